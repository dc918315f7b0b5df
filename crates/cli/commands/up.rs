//! `up`: ingest on each resource's cadence, compact, serve, in one process.
//!
//! Told to stop, ingest lands the page in hand and compaction ends, while the server drains; the demo portal goes last.

use std::sync::Arc;
use std::time::Duration;

use lake_compact::CompactOptions;
use lake_ingest::{Event, IngestOptions, Source, ingest, ingest_boundaries};
use lake_model::{Boundaries, CatalogEntry, Error, Kind, Resource, Result, ResultExt};
use lake_query::Reader;
use lake_soda_sim::{Portal, synthetic};
use lake_store::Lake;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ingest::{boundaries_options, boundaries_summary, summary};
use crate::args::{Global, Up};
use crate::memory::return_freed_memory;
use crate::progress::Progress;
use crate::serving::Listening;
use crate::{context, output};

/// The seed of the demo: the same rows everywhere.
const DEMO_SEED: u64 = 311;
/// Rows of a page of the demo portal, at most: the pages are made in the memory of the program that reads them.
const MAX_DEMO_PAGE_ROWS: usize = 10_000;
/// After a failure, before the cadence comes round.
const SOON: Duration = Duration::from_secs(60);
/// Resources that ingest at a time: enough to hide a portal's waits.
const AT_A_TIME: usize = 2;

/// The state that the workers of all resources share.
struct Work {
    global: Global,
    lake: Lake,
    reader: Arc<Reader>,
    options: IngestOptions,
    progress: Progress,
    ingesting: Semaphore,
    compacting: Semaphore,
    stop: CancellationToken,
}

pub(crate) async fn run(global: &Global, args: Up) -> Result<u8> {
    let catalog = context::load_effective_catalog(global).await?;
    let demo_names = synthetic::DATASETS.iter().map(|dataset| dataset.resource);
    let demo_boundaries = synthetic::BOUNDARIES.iter().flat_map(|dataset| dataset.resources).copied();
    let demo_names: Vec<String> = demo_names.chain(demo_boundaries).map(str::to_owned).collect();
    let named = args.names.to_vec();
    let names = if args.demo && named.is_empty() { &demo_names } else { &named };
    let chosen = context::select_entries(&catalog, names)?;
    let mut portal_options = context::portal_options(&args.portal)?;
    // The ports are taken first: a second `up` on them ends before it begins, and leaves no lake behind.
    let Listening { server, access, limits } = args.serving.listen().await?;
    let lake = context::create_lake(global).await?;
    let reader =
        context::create_caching_reader(global, lake.clone(), &context::load_catalog(global)?, args.serving.cache_mib)?;
    let queries = context::load_checked_queries(global, &reader).await?;
    let stop = super::stop_on_signals(
        "the page that is being landed still lands, compaction and requests under way still end",
    )?;
    return_freed_memory(stop.clone());
    let http_stop = stop.child_token();
    let serving =
        tokio::spawn(server.with_queries(queries).run(Arc::clone(&reader), access, limits, http_stop.clone()));

    let demo = match args.demo {
        // Making its rows takes seconds, which must not delay a stop.
        true => stop.run_until_cancelled(serve_demo(args.demo_rows)).await.transpose()?,
        false => None,
    };
    if let Some(portal) = &demo {
        portal_options.base_url = Some(portal.url());
        output::note(&format!("Synthetic rows, made up for this demo, from a portal at {}", portal.url()));
    }
    let options = IngestOptions {
        source: Source::Portal(portal_options),
        page_size: match args.demo {
            true => MAX_DEMO_PAGE_ROWS.min(args.portal.page_size as usize),
            false => args.portal.page_size as usize,
        },
        max_pages: None,
        full: None,
        until: None,
        landing: context::landing_options(global, &lake, args.demo)?,
    };
    let work = Arc::new(Work {
        global: global.clone(),
        lake,
        reader,
        options,
        progress: Progress::new(global.quiet),
        ingesting: Semaphore::new(AT_A_TIME),
        compacting: Semaphore::new(1),
        stop: stop.clone(),
    });
    // Each worker reports the end of its first round; none waits for another.
    let (said, mut first_rounds) = tokio::sync::mpsc::channel(chosen.len().max(1));
    let mut workers = JoinSet::new();
    for known in chosen {
        workers.spawn(keep_up(Arc::clone(&work), known, said.clone()));
    }
    drop(said);
    let first_failures = async {
        let mut failed = Vec::new();
        while let Some(round) = first_rounds.recv().await {
            failed.extend(round.err());
        }
        failed
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        failed = first_failures => output::note(&describe_first_rounds(failed)),
    }
    while let Some(ended) = workers.join_next().await {
        // One worker that ends badly stops the others in order rather than leaving a server over a lake that ages.
        if ended.is_err() {
            stop.cancel();
        }
        ended.or_err(Kind::Internal, || "a worker ended badly")?;
    }
    http_stop.cancel();
    serving.await.or_err(Kind::Internal, || "the server ended badly")??;
    if let Some(portal) = demo {
        portal.stop().await;
    }
    Ok(0)
}

/// Returns the message after every resource has been tried once and some of them failed.
fn describe_first_rounds(mut failed: Vec<String>) -> String {
    if failed.is_empty() {
        return "Every resource has been ingested and compacted once; ^C stops.".to_owned();
    }
    failed.sort_unstable();
    format!("Not ingested, and tried again soon: {}. Every other resource is up to date; ^C stops.", failed.join(", "))
}

async fn serve_demo(rows: usize) -> Result<lake_soda_sim::Serving> {
    let portal: Portal = tokio::task::spawn_blocking(move || synthetic::san_francisco(rows, DEMO_SEED))
        .await
        .or_err(Kind::Internal, || "making the demo rows")?;
    portal.set_gzip(false);
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    portal.serve(loopback).await.or_err(Kind::Unavailable, || "starting the demo portal")
}

/// Ingests and compacts one resource, or ingests one set of boundaries, until it is cancelled. A failure is logged, and
/// the work is retried soon.
async fn keep_up(work: Arc<Work>, known: CatalogEntry, said: tokio::sync::mpsc::Sender<Result<(), String>>) {
    let mut said = Some(said);
    loop {
        let (cadence, done) = match &known {
            CatalogEntry::Incidents(resource) => (resource.cadence.interval(), round(&work, resource).await),
            CatalogEntry::Boundaries(set) => (set.cadence.interval(), boundaries_round(&work, set).await),
        };
        let (wait, outcome) = match done {
            Ok(()) => (cadence, Ok(())),
            Err(error) => {
                tracing::error!(resource = known.name(), "{error}");
                (SOON.min(cadence), Err(known.name().to_owned()))
            }
        };
        if let Some(said) = said.take() {
            // Nobody listens any more once the program stops.
            let _ = said.send(outcome).await;
        }
        tokio::select! {
            () = work.stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn boundaries_round(work: &Work, set: &Arc<Boundaries>) -> Result<()> {
    let _turn = work.ingesting.acquire().await.map_err(|_| Error::internal("the workers' turn is gone"))?;
    let Some(options) = boundaries_options(&work.options, false).filter(|_| !work.stop.is_cancelled()) else {
        return Ok(());
    };
    let step = work.progress.step(format!("ingest {}", set.name));
    tokio::select! {
        // A set lands completely or not at all: nothing needs to be waited for.
        () = work.stop.cancelled() => Ok(()),
        done = ingest_boundaries(&work.lake, set, &options) => {
            step.done(&boundaries_summary(&done?));
            Ok(())
        }
    }
}

async fn round(work: &Work, resource: &Arc<Resource>) -> Result<()> {
    let closed = |_| Error::internal("the workers' turn is gone");
    {
        let _turn = work.ingesting.acquire().await.map_err(closed)?;
        if work.stop.is_cancelled() {
            return Ok(());
        }
        let mut step = work.progress.step(format!("ingest {}", resource.name));
        let on_event = |event: Event| match event {
            Event::Page(landed) => step.add(landed.published),
        };
        let outcome = ingest(&work.lake, resource, &work.options, &work.stop, on_event).await?;
        step.done(&summary(&outcome));
    }
    let _turn = work.compacting.acquire().await.map_err(closed)?;
    if work.stop.is_cancelled() {
        return Ok(());
    }
    let mut step = work.progress.step(format!("compact {}", resource.name));
    let options = CompactOptions::default();
    let reader = &work.reader;
    match super::compact::one(&work.global, reader, &resource.name, options, |rows| step.add(rows)).await {
        Ok(reports) => {
            step.done(&super::compact::summary(&reports));
            Ok(())
        }
        // A portal without a single row has nothing to compact.
        Err(error) if error.kind() == Kind::NotFound => {
            step.done("nothing landed");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
