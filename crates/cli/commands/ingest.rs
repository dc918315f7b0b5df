//! `ingest`: land new and changed rows, and boundaries that have changed.

use lake_ingest::{
    BoundariesOptions, BoundariesReport, BoundariesSource, Event, FullScanOptions, IngestOptions, IngestReport, Source,
    ingest, ingest_boundaries,
};
use lake_model::{CatalogEntry, Error, Result};

use crate::args::{Global, Ingest};
use crate::progress::Progress;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Ingest) -> Result<u8> {
    let catalog = context::load_effective_catalog(global).await?;
    let names = args.names.to_vec();
    let mut chosen = context::select_entries(&catalog, &names)?;
    if args.replay_rejects {
        if let Some(known) = chosen.iter().find(|known| names.iter().any(|name| name == known.name()))
            && matches!(known, CatalogEntry::Boundaries(_))
        {
            return Err(Error::invalid(format!("`{}` is a set of boundaries, which has no rejects", known.name())));
        }
        chosen.retain(|known| matches!(known, CatalogEntry::Incidents(_)));
    }
    let source = match &args.file {
        None if args.replay_rejects => Source::Rejects,
        Some(path) if names.len() == 1 => Source::File(path.clone()),
        Some(_) => {
            return Err(Error::invalid(
                "--file holds the rows of one resource: name it, as in `ingest 311-cases --file X.json`",
            ));
        }
        None => Source::Portal(context::portal_options(&args.portal)?),
    };
    let lake = context::create_lake(global).await?;
    let stop = super::stop_on_signals("the page that is being landed still lands")?;
    let options = IngestOptions {
        source,
        page_size: args.portal.page_size as usize,
        max_pages: args.max_pages,
        full: args.full.then_some(FullScanOptions { allow_deletes: args.allow_deletes }),
        until: None,
        landing: context::landing_options(global, &lake, false)?,
    };
    let progress = Progress::new(global.quiet);
    let (mut done, mut stopped, mut failure) = (0_usize, false, None);
    let of_boundaries = boundaries_options(&options, args.full);
    for known in &chosen {
        if stop.is_cancelled() {
            break;
        }
        let resource = match (known, &of_boundaries) {
            (CatalogEntry::Incidents(resource), _) => resource,
            // They have no rejects, and were left out above.
            (CatalogEntry::Boundaries(_), None) => continue,
            (CatalogEntry::Boundaries(set), Some(of_boundaries)) => {
                let step = progress.step(format!("ingest {}", set.name));
                // A set lands completely or not at all.
                match stop.run_until_cancelled(ingest_boundaries(&lake, set, of_boundaries)).await {
                    Some(Ok(outcome)) => {
                        done += 1;
                        step.done(&boundaries_summary(&outcome));
                    }
                    Some(Err(error)) => {
                        let code = output::report(&error);
                        failure.get_or_insert(code);
                    }
                    None => break,
                }
                continue;
            }
        };
        let mut step = progress.step(format!("ingest {}", resource.name));
        let on_event = |event: Event| match event {
            Event::Page(landed) => step.add(landed.published),
        };
        match ingest(&lake, resource, &options, &stop, on_event).await {
            Ok(outcome) => {
                done += 1;
                stopped |= outcome.stopped || outcome.withheld.is_some();
                if let Some(withheld) = &outcome.withheld {
                    tracing::error!(resource = resource.name, "not deleted: {withheld}");
                }
                step.done(&summary(&outcome));
            }
            Err(error) => {
                let code = output::report(&error);
                failure.get_or_insert(code);
            }
        }
    }
    match failure {
        None => Ok(if stopped || stop.is_cancelled() { 3 } else { 0 }),
        Some(_) if done > 0 => Ok(3),
        Some(code) => Ok(code),
    }
}

/// Returns the options for boundaries that correspond to those for incidents; `None` for rejects, which boundaries do
/// not have.
pub(crate) fn boundaries_options(options: &IngestOptions, rewrite: bool) -> Option<BoundariesOptions> {
    let source = match &options.source {
        Source::Portal(portal) => BoundariesSource::Portal(portal.clone()),
        Source::File(path) => BoundariesSource::File(path.clone()),
        Source::Rejects => return None,
    };
    Some(BoundariesOptions { source, page_size: options.page_size, rewrite, synthetic: options.landing.synthetic })
}

/// Summarizes a run of boundaries in a line.
pub(crate) fn boundaries_summary(outcome: &BoundariesReport) -> String {
    let what = if outcome.landed { "landed" } else { "unchanged" };
    format!("{} boundaries, {what}", outcome.read)
}

/// Summarizes a run in a line.
pub(crate) fn summary(outcome: &IngestReport) -> String {
    let rows = &outcome.rows;
    let mut text = format!(
        "{} rows in {} pages: {} new, {} changed, {} unchanged, {} stale, {} rejected; {} batches",
        rows.published,
        outcome.pages,
        rows.new,
        rows.changed,
        rows.unchanged,
        rows.stale,
        rows.rejected,
        outcome.batches
    );
    for (count, what) in [(rows.deleted, "deleted"), (rows.doubled, "with the key of another row")] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    if outcome.stopped {
        text.push_str(", stopped");
    }
    text
}
