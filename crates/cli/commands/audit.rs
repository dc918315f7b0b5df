//! `audit`: the lake held against the portals.

use lake_ingest::{Event, KeySample};
use lake_maintenance::{Audit, AuditOptions, Auditor};
use lake_model::{Result, format_wall_clock, one_line};
use serde_json::{Value, json};

use crate::args::{Audit as Args, Global};
use crate::progress::Progress;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Args) -> Result<u8> {
    let catalog = context::load_catalog(global)?;
    let lake = context::open_lake_to_write(global).await?;
    let named = args.names.to_vec();
    let names = if named.is_empty() { lake.list_landed_resources().await? } else { named };
    let reader = context::create_reader(global, lake.clone(), &catalog)?;
    let options = AuditOptions {
        portal: context::portal_options(&args.portal)?,
        page_size: args.portal.page_size as usize,
        landing: context::landing_options(global, &lake, false)?,
        window: args.window,
        keys: args.keys,
        repair: args.repair,
        allow_deletes: args.allow_deletes,
    };
    let catalog = reader.catalog().await?;
    let stop = super::stop_on_signals("nothing is waited for")?;
    let progress = Progress::new(global.quiet);
    let (mut audits, mut failure) = (Vec::new(), None);
    for name in names {
        if stop.is_cancelled() {
            break;
        }
        let mut step = progress.step(format!("audit {name}"));
        let mut on_event = |event: Event| match event {
            Event::Page(landed) => step.add(landed.published),
        };
        let found = async {
            let resource = catalog.get(&name)?;
            Auditor::new(&reader, &resource, &options, &stop, &mut on_event)?.audit().await
        };
        // Work under way may be aborted at any moment: the next run continues from the last commit.
        match stop.run_until_cancelled(Box::pin(found)).await {
            Some(Ok(audit)) => {
                step.done(&summarize(&audit));
                audits.push(audit);
            }
            Some(Err(error)) => {
                let code = output::report(&error);
                failure.get_or_insert(code);
            }
            None => output::note(&format!("{name} was not audited: stopped")),
        }
    }
    let rows: Vec<Value> = audits.iter().flat_map(rows_of).collect();
    output::print_rows(&rows, args.format)?;
    match failure {
        _ if audits.iter().any(|audit| !audit.agrees()) => Ok(1),
        Some(code) => Ok(code),
        None if stop.is_cancelled() => Ok(3),
        None => Ok(0),
    }
}

/// The most characters of a stamp that are shown.
const MAX_STAMP_CHARS: usize = 60;

/// Summarizes an audit in a line.
fn summarize(audit: &Audit) -> String {
    let mut text = match &audit.stuck {
        Some(cursor) => {
            let stamp = one_line(&cursor.updated_at, MAX_STAMP_CHARS);
            format!("the next run would continue after {stamp}, in the future, and read nothing; --repair repairs it")
        }
        None => format!("{} rows at the portal, {} in the lake", audit.portal_rows, audit.lake_rows),
    };
    if audit.agrees() {
        text.push_str(", no drift");
    } else if !audit.differences.is_empty() {
        text.push_str(&format!(", drift {} in {} buckets", audit.drift(), audit.differences.len()));
    }
    for (keys, what) in [(&audit.gone, "gone"), (&audit.missing, "missing"), (&audit.outdated, "outdated")] {
        if keys.count > 0 {
            text.push_str(&format!(", {} keys {what}", keys.count));
        }
    }
    if let Some(repair) = audit.repair.as_ref().filter(|repair| repair.restarted) {
        text.push_str(&format!("; was stuck in the future: {} rows read from the beginning", repair.read));
    }
    if let Some(repair) = &audit.repair {
        let (read, landed, deleted) = (repair.read, repair.landed, repair.deleted);
        text.push_str(&format!("; repaired: {read} rows read again, {landed} landed, {deleted} deleted"));
        if let Some(withheld) = &repair.withheld {
            text.push_str(&format!("; not deleted: {withheld}"));
        }
    }
    text
}

fn rows_of(audit: &Audit) -> Vec<Value> {
    let row =
        |finding: &str, month: Option<i64>, category: Option<&str>, key: Option<&str>, counts: [Option<i64>; 3]| {
            json!({
                "resource": audit.resource,
                "finding": finding,
                "month": month.map(|at| format_wall_clock(at)[..7].to_owned()),
                "category": category,
                "key": key,
                "portal": counts[0],
                "lake": counts[1],
                "drift": counts[2],
            })
        };
    let differences = audit.differences.iter().map(|d| {
        let counts = [Some(d.portal), Some(d.lake), Some(d.drift())];
        row("drift", d.month, d.category.as_deref(), None, counts)
    });
    let named = |keys: &KeySample, finding: &str, counts: [i64; 3]| -> Vec<Value> {
        keys.examples.iter().map(|key| row(finding, None, None, Some(key), counts.map(Some))).collect()
    };
    let doubled = audit.doubled.iter().map(|(key, rows)| {
        let rows = i64::try_from(*rows).unwrap_or(i64::MAX);
        row("doubled key", None, None, Some(key), [Some(rows), Some(1), Some(1 - rows)])
    });
    let stuck = audit
        .stuck
        .iter()
        .map(|cursor| row("cursor in the future", None, None, Some(&cursor.updated_at), [None, None, None]));
    stuck
        .chain(differences)
        .chain(named(&audit.gone, "gone", [0, 1, 1]))
        .chain(named(&audit.missing, "missing", [1, 0, -1]))
        .chain(named(&audit.outdated, "outdated", [1, 1, 0]))
        .chain(doubled)
        .collect()
}
