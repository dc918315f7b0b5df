//! The values that labels have in the lake, and the message for a requested one that has no incident.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use futures::TryStreamExt as _;
use lake_model::{Result, nearest};
use parking_lot::Mutex;

use crate::aggregates::AggregatesRequest;
use crate::context::QueryContext;
use crate::dimension::Dimension;
use crate::filters::Filters;
use crate::plan::{answer_rows, plan_error};
use crate::time_bucket::TimePrecision;

/// Values of a label beyond these are not kept.
const MAX_VALUES: usize = 100_000;

/// The values of labels in one version of the lake: every question about it asks the same.
#[derive(Debug, Default)]
pub struct LabelValues(Mutex<Known>);

type Values = Arc<BTreeSet<String>>;

#[derive(Debug, Default)]
struct Known {
    version: String,
    values: BTreeMap<&'static str, Values>,
}

impl LabelValues {
    /// Returns a warning for each requested value that no incident has, with the nearest existing one.
    ///
    /// # Errors
    /// If the lake cannot be read.
    pub async fn warnings(&self, context: &QueryContext, filters: &Filters) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        for (label, choice) in &filters.labels {
            let wanted: Vec<&String> = choice.included.iter().filter(|value| !value.is_empty()).collect();
            if wanted.is_empty() {
                continue;
            }
            let Some(known) = self.values(context, *label).await? else { continue };
            for value in wanted.into_iter().filter(|value| !known.contains(*value)) {
                let near = nearest(value, known.iter().map(String::as_str));
                let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
                warnings.push(format!("no incident has the {} `{value}`{near}", label.name()));
            }
        }
        Ok(warnings)
    }

    /// Returns the values of a label; `None` where there are too many.
    async fn values(&self, context: &QueryContext, label: Dimension) -> Result<Option<Values>> {
        let version = context.snapshot.version();
        {
            let mut known = self.0.lock();
            if known.version != version {
                *known = Known { version: version.clone(), values: BTreeMap::new() };
            }
            if let Some(values) = known.values.get(label.name()) {
                return Ok(Some(Arc::clone(values)));
            }
        }
        let question = AggregatesRequest {
            filters: Filters::none(),
            resolution: 0,
            precision: TimePrecision::All,
            group_by: vec![label],
            per_km2: false,
            limit: MAX_VALUES,
        };
        let mut rows = answer_rows(context, &question).await?;
        if rows.truncated {
            return Ok(None);
        }
        let mut values = BTreeSet::new();
        while let Some(batch) = rows.batches.try_next().await.map_err(plan_error)? {
            let texts = batch.column(0).as_string_opt::<i32>();
            values.extend(texts.into_iter().flatten().flatten().map(str::to_owned));
        }
        let values = Arc::new(values);
        let mut known = self.0.lock();
        if known.version == version {
            known.values.insert(label.name(), Arc::clone(&values));
        }
        Ok(Some(values))
    }
}
