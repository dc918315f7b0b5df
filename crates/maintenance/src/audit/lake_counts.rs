//! The lake's own counts by month and category, rejects among them.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use futures::StreamExt as _;
use lake_model::{Error, Resource, Result, Window, format_wall_clock, month_start};
use lake_portal::{Decoder, MonthlyCounts, PageBuilder};
use lake_query::{IncidentProjector, Session, engine_error, fill, literal, sql_files};

use crate::audit::report::Difference;

/// Rejects that are decoded at a time.
const REJECTS_AT_A_TIME: usize = 10_000;

/// Incidents and open rejects of the lake by month and category, in `window` or all.
pub(crate) async fn lake_counts(
    session: &Session,
    resource: &Arc<Resource>,
    window: Option<Window>,
) -> Result<MonthlyCounts> {
    let mut counts = MonthlyCounts::new();
    add_incidents(session, resource, window, &mut counts).await?;
    add_rejects(session, resource, window, &mut counts).await?;
    counts.retain(|_, n| *n != 0);
    Ok(counts)
}

async fn add_incidents(
    session: &Session,
    resource: &Resource,
    window: Option<Window>,
    counts: &mut MonthlyCounts,
) -> Result<()> {
    let window = window.map_or("TRUE".to_owned(), |window| {
        let (start, end) = (format_wall_clock(window.start), format_wall_clock(window.end));
        format!("occurred_at >= TIMESTAMP '{start}' AND occurred_at < TIMESTAMP '{end}'")
    });
    let values = [("resource", literal(&resource.name)), ("window", window)];
    let values: Vec<(&str, &str)> = values.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let frame = session.context().sql(&fill(sql_files::AUDIT_MONTHLY, &values)?).await.map_err(engine_error)?;
    for batch in frame.collect().await.map_err(engine_error)? {
        let lost = || Error::internal("the lake's monthly counts have other columns");
        let months = batch.column(0).as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(lost)?;
        let categories = batch.column(1).as_string_opt::<i32>().ok_or_else(lost)?;
        let numbers = batch.column(2).as_primitive_opt::<Int64Type>().ok_or_else(lost)?;
        for row in 0..batch.num_rows() {
            let month = months.is_valid(row).then(|| months.value(row));
            let category = categories.is_valid(row).then(|| categories.value(row).to_owned());
            *counts.entry((month, category)).or_default() += numbers.value(row);
        }
    }
    Ok(())
}

/// Rejects have no key; their month and category are read from the published values.
async fn add_rejects(
    session: &Session,
    resource: &Arc<Resource>,
    window: Option<Window>,
    counts: &mut MonthlyCounts,
) -> Result<()> {
    let decoder = Decoder::keyless(resource);
    let projector = IncidentProjector::new(resource, decoder.schema())?;
    let text = fill(sql_files::AUDIT_OPEN_REJECTS, &[("resource", &literal(&resource.name))])?;
    let frame = session.context().sql(&text).await.map_err(engine_error)?;
    let mut stream = frame.execute_stream().await.map_err(engine_error)?;
    let mut builder = decoder.begin();
    let mut held = 0;
    while let Some(batch) = stream.next().await {
        let batch: RecordBatch = batch.map_err(engine_error)?;
        let originals = batch.column(0).as_string_opt::<i32>();
        for original in originals.ok_or_else(|| Error::internal("the rejects have no text"))?.iter() {
            builder.push(original.unwrap_or_default());
            held += 1;
        }
        if held >= REJECTS_AT_A_TIME {
            let full = std::mem::replace(&mut builder, decoder.begin());
            add_decoded(full, &projector, window, counts)?;
            held = 0;
        }
    }
    add_decoded(builder, &projector, window, counts)
}

fn add_decoded(
    rows: PageBuilder<'_>,
    projector: &IncidentProjector,
    window: Option<Window>,
    counts: &mut MonthlyCounts,
) -> Result<()> {
    let page = rows.finish()?;
    // A reject that is not an object has neither time nor kind.
    let objectless = page.rejects.len();
    if objectless > 0 && window.is_none() {
        *counts.entry((None, None)).or_default() += i64::try_from(objectless).unwrap_or(i64::MAX);
    }
    let incidents = projector.project(&page.batch)?;
    let lost = || Error::internal("a projected reject has other columns");
    let column = |name: &str| incidents.column_by_name(name).ok_or_else(lost);
    let times = column("occurred_at")?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(lost)?;
    let categories = column("category")?.as_string_opt::<i32>().ok_or_else(lost)?;
    for row in 0..incidents.num_rows() {
        let time = times.is_valid(row).then(|| times.value(row));
        let inside = match (window, time) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(window), Some(time)) => window.start <= time && time < window.end,
        };
        if inside {
            let category = categories.is_valid(row).then(|| categories.value(row).to_owned());
            *counts.entry((time.map(month_start), category)).or_default() += 1;
        }
    }
    Ok(())
}

/// Returns every month and category in which the two differ.
pub(crate) fn differences(portal: &MonthlyCounts, lake: &MonthlyCounts) -> Vec<Difference> {
    let mut keys: Vec<_> = portal.keys().chain(lake.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let number = |counts: &MonthlyCounts, key| counts.get(key).copied().unwrap_or(0);
    keys.into_iter()
        .map(|key| Difference {
            month: key.0,
            category: key.1.clone(),
            portal: number(portal, key),
            lake: number(lake, key),
        })
        .filter(|difference| difference.drift() != 0)
        .collect()
}
