//! The partitions that a compaction of one resource has to rewrite.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::datasource::MemTable;
use lake_model::{Kind, Resource, Result, ResultExt};
use lake_query::{ResourceSnapshot, Session, engine_error, fill, incident_select, literal, sql_files};

/// Changed keys up to this many are held in memory while partitions are merged; more are sorted and spilled.
const MAX_CHANGED_IN_MEMORY: usize = 500_000;

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
    /// The rows of `incidents` as they become, sorted by year.
    pub(crate) incidents_sql: String,
    /// The partitions that are replaced: years, and none for the undated.
    pub(crate) years: Vec<Option<i32>>,
    /// The first batch not counted among what the lake answered from `counts`.
    pub(crate) above: i64,
    /// The last batch that the rewrite contains.
    pub(crate) through: i64,
}

impl Plan {
    /// Returns the condition that `"year"` is one of the plan's.
    pub(crate) fn years_condition(&self) -> String {
        years_condition(&self.years)
    }
}

fn years_condition(years: &[Option<i32>]) -> String {
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

/// Registers `changed` (the current versions of the keys that batches `above < batch <= through` touched) and plans.
pub(crate) async fn plan_compaction(
    session: &Session,
    resource: &Resource,
    snapshot: &ResourceSnapshot,
    scope: &Scope,
) -> Result<Plan> {
    let context = session.context();
    let watermark = snapshot.watermark();
    // A recount of some years leaves the watermark where it is: batches above it may touch other years.
    let through = if matches!(scope, Scope::Years(_)) { watermark } else { snapshot.through.max(watermark) };
    let from_scratch = !matches!(scope, Scope::Touched);
    let select = incident_select(resource);
    let changed = fill(
        sql_files::VIEWS_CHANGED,
        &[
            ("incident", &select),
            ("raw", &format!("raw.\"{}\"", resource.raw_table())),
            ("above", &if from_scratch { 0 } else { watermark }.to_string()),
            ("through", &through.to_string()),
        ],
    )?;
    let frame = context.sql(&changed).await.map_err(engine_error)?;
    // The first compaction merges with nothing, so nothing has to be held.
    if from_scratch || watermark == 0 {
        context.register_table("changed", frame.into_view()).map_err(engine_error)?;
    } else {
        hold_changed(session, frame).await?;
    }
    let number = |n: i64| n.to_string();
    let years = match scope {
        Scope::Years(years) => years.clone().map(Some).collect(),
        Scope::Everything => Vec::new(),
        Scope::Touched => {
            let values =
                [("resource", literal(&resource.name)), ("above", number(watermark)), ("through", number(through))];
            let values: Vec<(&str, &str)> = values.iter().map(|(k, v)| (*k, v.as_str())).collect();
            query_years(session, &fill(sql_files::COMPACT_TOUCHED, &values)?).await?
        }
    };
    let incidents_sql = match scope {
        Scope::Everything => fill(sql_files::COMPACT_RECOUNTED, &[("years", "TRUE")])?,
        Scope::Years(_) => fill(sql_files::COMPACT_RECOUNTED, &[("years", &years_condition(&years))])?,
        Scope::Touched if watermark == 0 => fill(sql_files::COMPACT_RECOUNTED, &[("years", "TRUE")])?,
        Scope::Touched => fill(
            sql_files::COMPACT_MERGED,
            &[("resource", &literal(&resource.name)), ("years", &years_condition(&years))],
        )?,
    };
    Ok(Plan { incidents_sql, years, above: watermark, through })
}

/// Holds the changed keys in memory while they are few, so that the merge's join is built on them and not on the lake.
async fn hold_changed(session: &Session, frame: datafusion::dataframe::DataFrame) -> Result<()> {
    let context = session.context();
    let few = frame.clone().limit(0, Some(MAX_CHANGED_IN_MEMORY + 1)).map_err(engine_error)?;
    let schema = Arc::new(few.schema().as_arrow().clone());
    let batches = few.collect().await.map_err(engine_error)?;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows <= MAX_CHANGED_IN_MEMORY {
        let table = MemTable::try_new(schema, vec![batches]).map_err(engine_error)?;
        context.register_table("changed", Arc::new(table)).map_err(engine_error)?;
    } else {
        context.state_ref().write().config_mut().options_mut().optimizer.prefer_hash_join = false;
        context.register_table("changed", frame.into_view()).map_err(engine_error)?;
    }
    Ok(())
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
