//! `compact`: recount exactly.

use lake_compact::{CompactOptions, CompactionReport, compact};
use lake_ingest::Landing;
use lake_maintenance::rebuild_rejects;
use lake_model::{Kind, Result};
use lake_query::{Reader, ResourceSnapshot};
use serde_json::{Value, json};

use crate::args::{Compact, Global};
use crate::output::Listing;
use crate::progress::Progress;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Compact) -> Result<u8> {
    let catalog = context::load_catalog(global)?;
    let lake =
        if args.dry_run { context::open_lake(global).await? } else { context::open_lake_to_write(global).await? };
    let reader = context::create_reader(global, lake, &catalog)?;
    let named = args.names.to_vec();
    let names = if named.is_empty() { landed_resources(&reader).await? } else { named };
    if let Some(window) = args.window {
        let (whole, _) = window.whole_years();
        if whole != window {
            output::note(&format!("The window {window} is widened to whole years: {whole}."));
        }
    }
    let options = CompactOptions { window: args.window, recount: args.recount, dry_run: args.dry_run, file_rows: None };
    let progress = Progress::new(global.quiet);
    let (mut reports, mut failures) = (Vec::new(), Vec::new());
    for name in &names {
        let mut step = progress.step(format!("compact {name}"));
        match one(global, &reader, name, options, |rows| step.add(rows)).await {
            Ok(made) => {
                step.done(&summary(&made));
                reports.extend(made);
            }
            Err(error) => failures.push(error),
        }
    }
    let rows: Vec<Value> = reports.iter().flat_map(rows_of).collect();
    output::print_rows(&rows, args.format)?;
    if rows.is_empty() && failures.is_empty() && args.format == Listing::Table {
        output::note("Nothing landed since the last compaction.");
    }
    let drift: i64 = reports.iter().map(CompactionReport::drift).sum();
    if failures.is_empty() {
        return Ok(u8::from(args.dry_run && drift != 0));
    }
    // The caller reports the last failure where nothing was done.
    let last = (failures.len() == names.len()).then(|| failures.pop()).flatten();
    for error in &failures {
        tracing::error!("{error}");
    }
    last.map_or(Ok(3), Err)
}

/// Returns the resources that have landed; none in a lake whose tables were not made yet.
async fn landed_resources(reader: &Reader) -> Result<Vec<String>> {
    match reader.open_newest().await {
        Ok(snapshot) => Ok(snapshot.resources.keys().cloned().collect()),
        Err(error) if error.kind() == Kind::NotFound && reader.lake().list_landed_resources().await?.is_empty() => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// Compacts one resource; one whose definition has changed gets its keys and rejects made again first.
pub(crate) async fn one(
    global: &Global,
    reader: &Reader,
    name: &str,
    options: CompactOptions,
    progress: impl FnMut(u64) + Send,
) -> Result<Vec<CompactionReport>> {
    let snapshot = reader.open_newest().await?;
    let resource = snapshot.catalog.get(name)?;
    if let Some(landed) = snapshot.resources.get(name).filter(|landed| landed.is_rekeyed() && !options.dry_run) {
        // Opening the landing rewrites the raw rows under the key that is declared now.
        let landing = context::landing_options(global, reader.lake(), landed.mark.synthetic)?;
        Landing::open(reader.lake(), &resource, &landing).await?;
    }
    let redefined = snapshot.resources.get(name).is_some_and(ResourceSnapshot::is_redefined);
    if (redefined || options.recount) && !options.dry_run {
        // Before the counts, whose commit marks the resource as reconciled.
        rebuild_rejects(reader, &resource, "REBUILD").await?;
    }
    compact(reader, &resource, options, progress).await
}

fn rows_of(report: &CompactionReport) -> Vec<Value> {
    let rows = report.partitions.iter().map(|partition| {
        json!({
            "resource": partition.resource,
            "year": partition.year,
            "before": partition.before,
            "after": partition.after,
            "drift": partition.drift,
            "how": if report.recounted { "recounted" } else { "merged" },
            "batches": format!("{}..{}", report.from_batch, report.to_batch),
        })
    });
    rows.collect()
}

/// Summarizes a compaction in a line.
pub(crate) fn summary(reports: &[CompactionReport]) -> String {
    let partitions: usize = reports.iter().map(|r| r.partitions.len()).sum();
    let rows: i64 = reports.iter().map(CompactionReport::rows).sum();
    let drift: i64 = reports.iter().map(CompactionReport::drift).sum();
    format!("{rows} incidents in {partitions} partitions, drift {drift}")
}
