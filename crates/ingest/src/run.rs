//! One run: a resource from its portal or a saved file, page by page, into the lake.

use std::path::PathBuf;
use std::sync::Arc;

use lake_model::{Error, Kind, Resource, Result};
use lake_portal::{Decoder, Page, PortalOptions, Scan, ScanOptions, SodaClient, read_file};
use lake_store::Lake;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::full_scan::FullScanOutcome;
use crate::landing::page_report::PageReport;
use crate::landing::{Landing, LandingOptions};
use crate::reject_replay::replay_rejects;

/// Full scans that are tried while the source keeps changing.
const MAX_SCANS: u32 = 3;

/// Where the rows come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The resource's portal.
    Portal(PortalOptions),
    /// A file saved from a portal.
    File(PathBuf),
    /// The lake's own open rejects, as published: a corrected definition may make them usable.
    Rejects,
}

/// How to read a complete resource again.
#[derive(Clone, Copy, Debug, Default)]
pub struct FullScanOptions {
    /// Whether more than 5 % of the resource may be gone.
    pub allow_deletes: bool,
}

/// How to run.
#[derive(Clone, Debug)]
pub struct IngestOptions {
    /// Where the rows come from.
    pub source: Source,
    /// Rows a page.
    pub page_size: usize,
    /// Pages at most.
    pub max_pages: Option<usize>,
    /// Read all of it again, from a portal only, and land tombstones for keys that are gone.
    pub full: Option<FullScanOptions>,
    /// End with the page that reaches beyond this `:updated_at` of a portal; where it has no more, if none.
    pub until: Option<String>,
    /// How to land.
    pub landing: LandingOptions,
}

/// An event during a run.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A page has landed.
    Page(PageReport),
}

/// The result of a run.
#[derive(Clone, Debug, Default)]
pub struct IngestReport {
    /// Pages read.
    pub pages: u64,
    /// Batches landed.
    pub batches: u64,
    /// The pages' rows added up.
    pub rows: PageReport,
    /// Whether it was stopped before the end.
    pub stopped: bool,
    /// Why what is gone was not deleted, if anything is.
    pub withheld: Option<String>,
}

impl IngestReport {
    fn add(&mut self, landed: PageReport) {
        self.pages += 1;
        self.batches += u64::from(landed.batch.is_some());
        self.rows.batch = landed.batch.or(self.rows.batch);
        self.rows.published += landed.published;
        self.rows.new += landed.new;
        self.rows.changed += landed.changed;
        self.rows.unchanged += landed.unchanged;
        self.rows.stale += landed.stale;
        self.rows.rejected += landed.rejected;
        self.rows.doubled += landed.doubled;
        self.rows.deleted += landed.deleted;
    }
}

/// Ingests a resource until its source has no more, the pages are used up, or `stop` is cancelled: then the page that
/// is being landed still lands, and no other is waited for.
///
/// # Errors
/// If the portal or the store does not answer, or the file is not valid.
pub async fn ingest(
    lake: &Lake,
    resource: &Arc<Resource>,
    options: &IngestOptions,
    stop: &CancellationToken,
    mut on_event: impl FnMut(Event) + Send,
) -> Result<IngestReport> {
    let named = |e: Error| e.context(&resource.name);
    let mut outcome = IngestReport::default();
    // Its commits are derived from landed batches: another run makes them as well.
    let opened = stop.run_until_cancelled(Box::pin(Landing::open(lake, resource, &options.landing))).await;
    let Some(mut landing) = opened.transpose()? else {
        outcome.stopped = true;
        return Ok(outcome);
    };
    if let (Some(full), Source::Portal(portal)) = (options.full, &options.source) {
        let soda = SodaClient::new(&resource.name, &resource.portal, &resource.dataset, portal.clone())?;
        run_full_ingest(&mut landing, &soda, options.page_size, full, stop, &mut outcome, &mut on_event)
            .await
            .map_err(named)?;
        return Ok(outcome);
    }
    let mut pages = Pages::open(&landing, options)?;
    let mut left = options.max_pages.unwrap_or(usize::MAX);
    while left > 0 {
        left -= 1;
        let page = tokio::select! {
            biased;
            () = stop.cancelled() => {
                outcome.stopped = true;
                break;
            }
            page = pages.next() => page,
        };
        let Some(page) = page else { break };
        let landed = landing.land(&page.map_err(named)?).await.map_err(named)?;
        outcome.add(landed);
        on_event(Event::Page(landed));
    }
    Ok(outcome)
}

/// Reads the complete source, lands rows that are new or changed, and tombstones for those that are proven to be gone.
async fn run_full_ingest(
    landing: &mut Landing,
    soda: &SodaClient,
    page_size: usize,
    full: FullScanOptions,
    stop: &CancellationToken,
    outcome: &mut IngestReport,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<()> {
    for tries_left in (0..MAX_SCANS).rev() {
        let scan = ScanOptions::whole(page_size);
        let proof = landing.run_full_scan(soda, scan, true, stop, |landed| {
            outcome.add(landed);
            on_event(Event::Page(landed));
        });
        match proof.await? {
            FullScanOutcome::Complete(full_scan) => {
                let deletions = landing.apply_deletions(&full_scan, full.allow_deletes).await?;
                outcome.rows.deleted += deletions.landed;
                outcome.withheld = deletions.withheld;
                if deletions.outdated == 0 {
                    return Ok(());
                }
                if tries_left == 0 {
                    let text = format!("{} keys are to be read again in older versions; try again", deletions.outdated);
                    return Err(Error::new(Kind::Unavailable, text));
                }
                tracing::info!(resource = landing.resource.name, "newer rows of keys are gone, reading the older ones");
            }
            FullScanOutcome::Inconclusive(_) if stop.is_cancelled() => {
                outcome.stopped = true;
                return Ok(());
            }
            FullScanOutcome::Inconclusive(reason) if tries_left > 0 => {
                tracing::warn!(resource = landing.resource.name, reason, "the scan proves nothing, reading again");
            }
            FullScanOutcome::Inconclusive(reason) => {
                return Err(Error::new(
                    Kind::Unavailable,
                    format!("landed rows stay, but no deletion is proven: {reason}; try again"),
                ));
            }
        }
    }
    Ok(())
}

/// Pages from wherever they come.
enum Pages {
    Scan(Scan),
    Read(mpsc::Receiver<Result<Page>>),
}

impl Pages {
    fn open(landing: &Landing, options: &IngestOptions) -> Result<Self> {
        let resource = &landing.resource;
        let decoder = Arc::new(Decoder::new(resource));
        let size = options.page_size;
        // One page waits while another lands.
        let (sender, pages) = mpsc::channel(1);
        match &options.source {
            Source::Portal(portal) => {
                let soda = SodaClient::new(&resource.name, &resource.portal, &resource.dataset, portal.clone())?;
                let after = landing.cursor().cloned();
                let (max_pages, until) = (options.max_pages, options.until.clone());
                let scan = ScanOptions { max_pages, after, until, ..ScanOptions::whole(size) };
                return Ok(Self::Scan(Scan::begin(soda, decoder, scan)));
            }
            Source::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || {
                    let read = read_file(&decoder, &path, size, |mut page| {
                        // A saved file is not a scan: it does not determine the portal's next row.
                        page.cursor = None;
                        sender.blocking_send(Ok(page)).map_err(|_gone| Error::internal("landing stopped"))
                    });
                    if let Err(error) = read {
                        // A receiver that takes no more pages does not need the reader's result.
                        let _ = sender.blocking_send(Err(error));
                    }
                });
            }
            Source::Rejects => {
                let lake = landing.lake.clone();
                tokio::spawn(async move {
                    if let Err(error) = replay_rejects(&lake, &decoder, size, &sender).await {
                        // As above.
                        let _ = sender.send(Err(error)).await;
                    }
                });
            }
        }
        Ok(Self::Read(pages))
    }

    async fn next(&mut self) -> Option<Result<Page>> {
        match self {
            Self::Scan(scan) => scan.next().await,
            Self::Read(pages) => pages.recv().await,
        }
    }
}
