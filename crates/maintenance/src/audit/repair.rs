//! Mending: what differs is read again, what is proven to be gone is deleted.

use std::collections::BTreeSet;
use std::sync::Arc;

use lake_ingest::{Event, FullScan, FullScanOutcome, Landing, PageReport};
use lake_model::{Error, Kind, Result, format_wall_clock, next_month};
use lake_portal::{Decoder, Scan, ScanOptions};

use crate::audit::auditor::Auditor;
use crate::audit::report::Audit;

/// Months that are asked for by name; if more differ, everything is read again.
const MAX_MONTHS: usize = 24;
/// Passes that are tried while the source keeps changing.
const MAX_SCANS: u32 = 3;

/// What was mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Rows that were read again.
    pub read: u64,
    /// Rows that landed, new or changed.
    pub landed: u64,
    /// Tombstones that landed.
    pub deleted: u64,
    /// Whether all of the resource was read again, because its next run would have gone on in the future.
    pub restarted: bool,
    /// Why nothing was deleted, although something is gone.
    pub withheld: Option<String>,
}

impl Mended {
    /// Adds a page that was landed.
    pub(crate) fn add(&mut self, landed: PageReport) {
        self.read += landed.published;
        self.landed += landed.new + landed.changed;
    }
}

/// Reads again what differs and lands tombstones for what is gone.
pub(crate) async fn mend(auditor: &mut Auditor<'_>, found: &Audit, mut mended: Mended) -> Result<Mended> {
    let lake = auditor.reader.lake();
    let mut landing = Landing::open(lake, &auditor.resource, &auditor.options.landing).await?;
    if !found.differences.is_empty() {
        let decoder = Arc::new(Decoder::new(&auditor.resource));
        let within = months_that_differ(auditor, found).await?;
        let until = auditor.soda.fetch_extent().await?.newest;
        let options = ScanOptions { within, until, ..ScanOptions::whole(auditor.options.page_size) };
        let mut scan = Scan::begin(auditor.soda.clone(), decoder, options);
        loop {
            let page = tokio::select! {
                biased;
                () = auditor.stop.cancelled() => return Err(Error::new(Kind::Unavailable, "it was stopped")),
                page = scan.next() => page,
            };
            let Some(page) = page else { break };
            let mut page = page?;
            // A scan of some months does not say where the next row of all is.
            page.cursor = None;
            let landed = landing.land(&page).await?;
            mended.add(landed);
            (auditor.on_event)(Event::Page(landed));
        }
    }
    let scan = proven_pass(auditor, &mut landing, &mut mended).await?;
    let deletions = landing.apply_deletions(&scan, auditor.options.allow_deletes).await?;
    mended.deleted = deletions.landed;
    mended.withheld = deletions.withheld;
    if deletions.outdated > 0 {
        // Older versions of these keys are served, in whichever months; until now they were stale.
        let (soda, stop) = (&auditor.soda, auditor.stop);
        let on_event = &mut auditor.on_event;
        let scan = ScanOptions::whole(auditor.options.page_size);
        let read = landing.run_full_scan(soda, scan, true, stop, |landed| {
            mended.add(landed);
            on_event(Event::Page(landed));
        });
        if let FullScanOutcome::Inconclusive(reason) = read.await? {
            tracing::warn!(resource = auditor.resource.name, reason, "the source changed while it was read again");
        }
    }
    Ok(mended)
}

/// A complete pass over the keys; over all of the rows, where keys are missing that reading again did not bring.
async fn proven_pass(auditor: &mut Auditor<'_>, landing: &mut Landing, mended: &mut Mended) -> Result<FullScan> {
    let keys = auditor.key_scan().await?;
    let mut whole = false;
    let mut doubt = String::new();
    for _ in 0..MAX_SCANS {
        if auditor.stop.is_cancelled() {
            break;
        }
        let scan = if whole { ScanOptions::whole(auditor.options.page_size) } else { keys.clone() };
        let on_event = &mut auditor.on_event;
        let proof = landing.run_full_scan(&auditor.soda, scan, whole, auditor.stop, |landed| {
            if whole {
                mended.add(landed);
            }
            on_event(Event::Page(landed));
        });
        match proof.await? {
            FullScanOutcome::Complete(scan) if whole || scan.missing.count == 0 => return Ok(scan),
            FullScanOutcome::Complete(_) => whole = true,
            FullScanOutcome::Inconclusive(reason) => doubt = reason,
        }
    }
    Err(Error::new(Kind::Unavailable, format!("nothing is known to be gone: {doubt}; try again")))
}

/// The rows of the months that differ, as SoQL; none where so many differ that all is read again.
async fn months_that_differ(auditor: &Auditor<'_>, found: &Audit) -> Result<Option<String>> {
    let months: BTreeSet<Option<i64>> = found.differences.iter().map(|difference| difference.month).collect();
    if months.len() > MAX_MONTHS {
        return Ok(None);
    }
    let resource = &auditor.resource;
    let time = auditor.soda.resolve_column_name(resource, &resource.roles.occurred_at).await?;
    let instant = |micros: i64| format!("'{}.000'", &format_wall_clock(micros)[..19]);
    let (earliest, latest) = (instant(resource.bounds.earliest), instant(resource.bounds.latest));
    let conditions = months.iter().map(|month| match month {
        Some(start) => format!("({time} >= {} AND {time} < {})", instant(*start), instant(next_month(*start))),
        None => format!("({time} IS NULL OR {time} < {earliest} OR {time} >= {latest})"),
    });
    Ok(Some(conditions.collect::<Vec<_>>().join(" OR ")))
}
