//! Repair: differing rows are read again, and keys that are proven to be gone are deleted.

use std::collections::BTreeSet;
use std::sync::Arc;

use lake_ingest::{Event, FullScan, FullScanOutcome, Landing};
use lake_model::{Error, Kind, Result, format_wall_clock, next_month};
use lake_portal::{Decoder, Scan, ScanOptions};

use crate::audit::auditor::Auditor;
use crate::audit::report::{Audit, RepairReport};

/// Months that are read again one by one; if more differ, everything is read again.
const MAX_MONTHS: usize = 24;
/// Full scans that are tried while the source keeps changing.
const MAX_SCANS: u32 = 3;

impl Auditor<'_> {
    /// Reads differing rows again and lands tombstones for keys that are gone.
    pub(crate) async fn repair(&mut self, found: &Audit, mut report: RepairReport) -> Result<RepairReport> {
        let lake = self.reader.lake();
        let mut landing = Landing::open(lake, &self.resource, &self.options.landing).await?;
        if !found.differences.is_empty() {
            let decoder = Arc::new(Decoder::new(&self.resource));
            let within = find_differing_months(self, found).await?;
            let until = self.soda.fetch_extent().await?.newest;
            let options = ScanOptions { within, until, ..ScanOptions::whole(self.options.page_size) };
            let mut scan = Scan::begin(self.soda.clone(), decoder, options);
            loop {
                let page = tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return Err(Error::new(Kind::Unavailable, "it was stopped")),
                    page = scan.next() => page,
                };
                let Some(page) = page else { break };
                let mut page = page?;
                // A scan of some months does not determine the next row of all.
                page.cursor = None;
                let landed = landing.land(&page).await?;
                report.add(landed);
                (self.on_event)(Event::Page(landed));
            }
        }
        let scan = run_conclusive_scan(self, &mut landing, &mut report).await?;
        let deletions = landing.apply_deletions(&scan, self.options.allow_deletes).await?;
        report.deleted = deletions.landed;
        report.withheld = deletions.withheld;
        if deletions.outdated > 0 {
            // Older versions of these keys are served, in whichever months; until now they were stale.
            let (soda, stop) = (&self.soda, self.stop);
            let on_event = &mut self.on_event;
            let scan = ScanOptions::whole(self.options.page_size);
            let read = landing.run_full_scan(soda, scan, true, stop, |landed| {
                report.add(landed);
                on_event(Event::Page(landed));
            });
            if let FullScanOutcome::Inconclusive(reason) = read.await? {
                tracing::warn!(resource = self.resource.name, reason, "the source changed while it was read again");
            }
        }
        Ok(report)
    }
}

/// Runs a conclusive scan over the keys; over all of the rows, where keys are missing that reading again did not bring.
async fn run_conclusive_scan(
    auditor: &mut Auditor<'_>,
    landing: &mut Landing,
    report: &mut RepairReport,
) -> Result<FullScan> {
    let keys = auditor.plan_key_scan().await?;
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
                report.add(landed);
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

/// Returns the rows of the months that differ, as SoQL; none where so many differ that all is read again.
async fn find_differing_months(auditor: &Auditor<'_>, found: &Audit) -> Result<Option<String>> {
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
