//! One run: a resource from its portal or a saved file, page by page, into the lake.

use std::path::PathBuf;
use std::sync::Arc;

use lake_model::{Resource, Result};
use lake_portal::{Decoder, PortalOptions, Scan, ScanOptions, Soda, read_file};
use lake_store::Lake;
use tokio_util::sync::CancellationToken;

use crate::landing::{Landed, Landing, LandingOptions};

/// Where the rows come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The resource's portal.
    Portal(PortalOptions),
    /// A file saved from a portal.
    File(PathBuf),
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
    /// How to land.
    pub landing: LandingOptions,
}

/// What happens during a run.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A page has landed.
    Page(Landed),
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Pages read.
    pub pages: u64,
    /// Batches landed.
    pub batches: u64,
    /// The pages' rows added up.
    pub rows: Landed,
    /// Whether it was told to stop before the end.
    pub stopped: bool,
}

impl Outcome {
    fn add(&mut self, landed: Landed) {
        self.pages += 1;
        self.batches += u64::from(landed.batch.is_some());
        self.rows.batch = landed.batch.or(self.rows.batch);
        self.rows.published += landed.published;
        self.rows.new += landed.new;
        self.rows.changed += landed.changed;
        self.rows.unchanged += landed.unchanged;
        self.rows.stale += landed.stale;
        self.rows.rejected += landed.rejected;
    }
}

/// Ingests a resource until its source has no more, the pages are used up, or `stop` is cancelled: then the page in
/// hand still lands.
///
/// # Errors
/// If the portal or the store does not answer, or the file is none.
pub async fn ingest(
    lake: &Lake,
    resource: &Arc<Resource>,
    options: &IngestOptions,
    stop: &CancellationToken,
    mut on_event: impl FnMut(Event) + Send,
) -> Result<Outcome> {
    let named = |e: lake_model::Error| e.context(&resource.name);
    let mut landing = Landing::open(lake, resource, &options.landing).await?;
    let decoder = Arc::new(Decoder::new(resource));
    let mut outcome = Outcome::default();
    match &options.source {
        Source::Portal(portal) => {
            let soda = Soda::new(&resource.portal, &resource.dataset, portal.clone())?;
            let scan = ScanOptions {
                page_size: options.page_size,
                max_pages: options.max_pages,
                after: landing.cursor().cloned(),
            };
            let mut scan = Scan::begin(soda, decoder, scan);
            loop {
                let page = tokio::select! {
                    biased;
                    () = stop.cancelled() => {
                        outcome.stopped = true;
                        break;
                    }
                    page = scan.next() => page,
                };
                let Some(page) = page else { break };
                let landed = landing.land(&page.map_err(named)?).await.map_err(named)?;
                outcome.add(landed);
                on_event(Event::Page(landed));
            }
        }
        Source::File(path) => {
            // The reader is blocking code; landing is not: a channel of one page joins them.
            let (sender, mut pages) = tokio::sync::mpsc::channel(1);
            let (path, size) = (path.clone(), options.page_size);
            let reading = tokio::task::spawn_blocking(move || {
                read_file(&decoder, &path, size, |mut page| {
                    // A saved file is no scan: it does not say where the portal's next row is.
                    page.cursor = None;
                    sender.blocking_send(page).map_err(|_gone| lake_model::Error::internal("landing stopped"))
                })
            });
            let mut left = options.max_pages.unwrap_or(usize::MAX);
            let mut failure = None;
            while left > 0 {
                left -= 1;
                let page = tokio::select! {
                    biased;
                    () = stop.cancelled() => {
                        outcome.stopped = true;
                        break;
                    }
                    page = pages.recv() => page,
                };
                let Some(page) = page else { break };
                match landing.land(&page).await {
                    Ok(landed) => {
                        outcome.add(landed);
                        on_event(Event::Page(landed));
                    }
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                }
            }
            let cut = left == 0 || outcome.stopped;
            drop(pages);
            let read = reading.await.map_err(|e| lake_model::Error::internal("reading a file").with_source(e))?;
            match failure {
                Some(error) => return Err(named(error)),
                // A reader whose pages are no longer taken ends with an error that is none.
                None if cut => {}
                None => read.map_err(named)?,
            }
        }
    }
    Ok(outcome)
}
