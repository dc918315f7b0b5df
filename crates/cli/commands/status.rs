//! `status`: the state of each resource and each set of boundaries.

use std::collections::HashMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use chrono::{DateTime, Utc};
use lake_model::Result;
use lake_query::{Session, engine_error, sql_files};
use lake_store::{AuditOutcome, LandingMark, LastAudit};
use serde_json::{Value, json};

use crate::args::{Global, Status};
use crate::output::Listing;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Status) -> Result<u8> {
    let catalog = context::load_catalog(global)?;
    let lake = context::open_lake(global).await?;
    let reader = context::create_reader(global, lake, &catalog)?;
    let snapshot = reader.open_newest().await?;
    let session = reader.session(&snapshot).await?;
    let incidents = by_resource(&session, sql_files::REPORTS_INCIDENTS_BY_RESOURCE).await?;
    let rejects = by_resource(&session, sql_files::REPORTS_REJECTS_BY_RESOURCE).await?;
    let audits = snapshot.lake.read_last_audits(snapshot.resources.keys()).await;
    let mut rows = Vec::new();
    for (name, resource) in &snapshot.resources {
        let raw = snapshot.lake.raw(name)?;
        let mark = LandingMark::read(&raw, &resource.raw).await?;
        let number = |numbers: &HashMap<String, i64>| numbers.get(name).copied().unwrap_or(0);
        rows.push(json!({
            "resource": name,
            "batches": mark.batch,
            "raw_rows": resource.raw.rows(),
            "incidents": number(&incidents),
            "rejects": number(&rejects),
            "boundaries": Value::Null,
            "unreconciled": resource.unreconciled(),
            "exact": resource.is_exact(),
            "definition": resource.resource.as_ref().map(|resource| resource.definition.origin),
            "landed_at": mark.landed_at,
            "lag": format_lag(&mark.landed_at),
            "cursor": mark.cursor.map(|c| c.updated_at),
            "rows_are": if mark.synthetic { "synthetic" } else { "real" },
            "last_audit": audits.get(name).map(|audit| format_audit(audit, args.format)),
        }));
    }
    for (name, mark) in reader.boundaries_marks(&snapshot).await? {
        rows.push(json!({
            "resource": name,
            "batches": Value::Null,
            "raw_rows": Value::Null,
            "incidents": Value::Null,
            "rejects": Value::Null,
            "boundaries": mark.boundaries,
            "unreconciled": 0,
            "exact": true,
            "definition": snapshot.catalog.find_entry(&name).ok().map(|known| known.definition().origin),
            "landed_at": mark.landed_at,
            "lag": format_lag(&mark.landed_at),
            "cursor": Value::Null,
            "rows_are": if mark.synthetic { "synthetic" } else { "real" },
            "last_audit": Value::Null,
        }));
    }
    if rows.is_empty() && args.format == Listing::Table {
        output::note("Nothing has landed yet; `hotspots-lake ingest` lands it.");
    }
    output::print_rows(&rows, args.format)?;
    if args.format == Listing::Table && !global.quiet {
        output::note(&format!("Lake-Version: {}", snapshot.version()));
        for inexact in snapshot.describe_inexact() {
            output::note(&format!("warning: {inexact}"));
        }
    }
    Ok(0)
}

/// Formats an audit: completely for programs, its result for people.
fn format_audit(audit: &LastAudit, format: Listing) -> Value {
    match (format, audit.outcome) {
        (Listing::Json, _) => json!(audit),
        (Listing::Table, AuditOutcome::Agreed) => "no drift".into(),
        (Listing::Table, AuditOutcome::Drift) => format!("drift {}", audit.drift.unwrap_or_default()).into(),
        (Listing::Table, AuditOutcome::Inconclusive) => "inconclusive".into(),
    }
}

/// Formats the time since the last batch, for people.
fn format_lag(landed_at: &str) -> Value {
    let Ok(landed_at) = DateTime::parse_from_rfc3339(landed_at) else { return Value::Null };
    let seconds = (lake_model::now() - landed_at.with_timezone(&Utc)).num_seconds().max(0);
    Value::from(match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    })
}

async fn by_resource(session: &Session, query: &str) -> Result<HashMap<String, i64>> {
    let frame = session.context().sql(query).await.map_err(engine_error)?;
    let mut numbers = HashMap::new();
    for batch in frame.collect().await.map_err(engine_error)? {
        add(&batch, &mut numbers);
    }
    Ok(numbers)
}

fn add(batch: &RecordBatch, numbers: &mut HashMap<String, i64>) {
    let (names, counts) = (batch.column(0).as_string_opt::<i32>(), batch.column(1).as_primitive_opt::<Int64Type>());
    if let (Some(names), Some(counts)) = (names, counts) {
        let pairs = names.iter().zip(counts).filter_map(|(name, count)| Some((name?.to_owned(), count?)));
        numbers.extend(pairs);
    }
}
