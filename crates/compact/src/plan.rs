//! The partitions that a compaction of one resource has to rewrite.

use std::ops::RangeInclusive;

use arrow::array::{Array as _, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use lake_model::{Kind, Resource, Result, ResultExt};
use lake_query::{ResourceSnapshot, Session, engine_error, fill, incident_select, sql_files};

/// Which partitions of a resource are rewritten, and from which rows.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    /// Those that the batches above the watermark touch.
    Touched,
    /// The years of a window, from scratch.
    Years(RangeInclusive<i32>),
    /// All, from scratch: the definition changed, or an abandoned compaction left files behind.
    Everything,
}

/// A planned rewrite: its SQL, and the partitions it replaces.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Whether the rows are read from `raw` alone, and not from what is stored.
    pub(crate) from_raw: bool,
    /// The rows of `incidents` as they become if they are read from `raw`, sorted as they are stored.
    pub(crate) incidents_sql: String,
    /// The condition on `"year"` of the rows that are read.
    pub(crate) condition: String,
    /// The partitions that are replaced: years, and none for the undated.
    pub(crate) years: Vec<Option<i32>>,
    /// The first batch not counted among what the lake answered from `counts`.
    pub(crate) above: i64,
    /// The last batch that the rewrite contains.
    pub(crate) through: i64,
}

impl Plan {
    /// Returns whether the rows of all years are read from `raw`, so that the years are known only then.
    pub(crate) fn is_everything(&self) -> bool {
        self.from_raw && self.condition == EVERY_YEAR
    }
}

/// The condition of rows of all years.
const EVERY_YEAR: &str = "TRUE";

/// Returns the condition that `"year"` is one of these.
pub(crate) fn years_condition(years: &[Option<i32>]) -> String {
    let list: Vec<String> = years.iter().flatten().map(i32::to_string).collect();
    let mut parts = Vec::new();
    if !list.is_empty() {
        parts.push(format!("\"year\" IN ({})", list.join(", ")));
    }
    if years.contains(&None) {
        parts.push("\"year\" IS NULL".to_owned());
    }
    if parts.is_empty() { "FALSE".to_owned() } else { parts.join(" OR ") }
}

/// Returns the plan of a compaction.
///
/// # Errors
/// If its SQL cannot be filled in.
pub(crate) fn plan_compaction(resource: &Resource, snapshot: &ResourceSnapshot, scope: &Scope) -> Result<Plan> {
    let watermark = snapshot.watermark();
    // A recount of some years leaves the watermark where it is: batches above it may touch other years.
    let through = if matches!(scope, Scope::Years(_)) { watermark } else { snapshot.through.max(watermark) };
    let (years, condition) = match scope {
        Scope::Years(years) => {
            let years: Vec<Option<i32>> = years.clone().map(Some).collect();
            let condition = years_condition(&years);
            (years, condition)
        }
        Scope::Everything | Scope::Touched => (Vec::new(), EVERY_YEAR.to_owned()),
    };
    let changed = fill(
        sql_files::VIEWS_CHANGED,
        &[
            ("incident", &*incident_select(resource)),
            ("raw", &*format!("raw.\"{}\"", resource.raw_table())),
            ("above", "0"),
            ("through", &*through.to_string()),
        ],
    )?;
    let incidents_sql = fill(sql_files::COMPACT_RECOUNTED, &[("changed", &changed), ("years", &condition)])?;
    // The first compaction merges with nothing.
    let from_raw = !matches!(scope, Scope::Touched) || watermark == 0;
    Ok(Plan { from_raw, incidents_sql, condition, years, above: watermark, through })
}

pub(crate) async fn query_years(session: &Session, sql: &str) -> Result<Vec<Option<i32>>> {
    let frame = session.context().sql(sql).await.map_err(engine_error)?;
    let mut years = Vec::new();
    for batch in frame.collect().await.map_err(engine_error)? {
        let column = cast(batch.column(0), &DataType::Int32).or_err(Kind::Internal, || "the touched years")?;
        let column = column.as_primitive::<Int32Type>();
        years.extend((0..column.len()).map(|row| column.is_valid(row).then(|| column.value(row))));
    }
    Ok(years)
}
