//! The workers of a server: a few that wait, as many at work as there are engine permits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lake_model::{Error, Result};
use lake_query::Reader;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::memory_watch::{MemoryWatch, WatchedProcess};
use super::message::{Begin, End, Plan, Request, SqlWorkerSetup, Tag, decode, from_json};
use super::process_bytes;
use super::spill_directory::remove_abandoned;
use super::worker_process::{EndCause, Process};
use crate::admission::EnginePermit;
use crate::limits::Limits;
use crate::metrics::Metrics;

/// Workers that wait for a statement, at most.
const MAX_IDLE: usize = 4;
/// All but one of those that wait are ended after this time.
const MAX_IDLE_TIME: Duration = Duration::from_secs(60);
/// A worker that has answered so many statements is ended.
const MAX_ANSWERED: usize = 10_000;
/// A worker that takes more after a statement is ended.
const MAX_IDLE_BYTES: usize = 160 << 20;
/// How long a worker may take to leave a statement before it is ended.
const CANCEL_TIMEOUT: Duration = Duration::from_millis(100);
/// The least that the engine may hold for a statement, however many are at work.
const MIN_SHARE_BYTES: usize = 32 << 20;

/// The workers of one server.
#[derive(Clone, Debug)]
pub(crate) struct SqlWorkers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    setup: SqlWorkerSetup,
    memory_bytes: usize,
    /// Bytes that may still be given to statements.
    free_bytes: Mutex<usize>,
    /// The ids of the tables that the workers which wait have read.
    tables: Mutex<Tables>,
    idle: Mutex<Vec<Idle>>,
    running: prometheus_client::metrics::gauge::Gauge,
    watch: MemoryWatch,
    metrics: Metrics,
}

/// The ids of a lake's tables: a lake that replaces it at the same path has others, and workers that have read the
/// tables of the earlier one still cache them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tables {
    ids: String,
    generation: u64,
}

#[derive(Debug)]
struct Idle {
    process: Process,
    since: Instant,
}

/// The resources of a statement, returned when it is dropped.
#[derive(Debug)]
pub(crate) struct WorkerShare {
    pool: Arc<Pool>,
    /// Bytes that the engine may hold for it.
    pub(crate) memory_bytes: usize,
    taken_bytes: usize,
    generation: u64,
    _permit: Arc<EnginePermit>,
}

/// A worker that is at work for one statement.
#[derive(Debug)]
pub(super) struct Lease {
    /// None once it has ended.
    process: Option<Process>,
    share: Option<WorkerShare>,
    watched: Option<WatchedProcess>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It waits for a statement.
    Waits,
    /// It works for one.
    Works,
    /// It has planned one, and waits until that is to run.
    PlannedStatement,
    /// A request was not sent completely.
    Broken,
}

/// An event from a worker before the end of its answer.
#[derive(Debug)]
pub(super) enum Frame {
    Columns(SchemaRef),
    Placeholders(SchemaRef),
    Plan(Plan),
    Begin(Begin),
    Batch(RecordBatch),
}

impl SqlWorkers {
    /// Creates a pool of workers over the lake of `reader`; none is started yet.
    ///
    /// # Errors
    /// If the machine gives no more threads.
    pub(crate) fn new(reader: &Reader, limits: &Limits, metrics: &Metrics) -> Result<Self> {
        let total_bytes = reader.engine().memory_bytes();
        remove_abandoned(&std::env::temp_dir());
        let setup = SqlWorkerSetup {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            lake: reader.lake().location().to_string(),
            block_cache_bytes: reader.lake().location().block_cache_bytes(),
            resources: reader
                .configured()
                .iter()
                .map(|given| (given.as_ref().clone(), given.definition.clone()))
                .collect(),
            spill_directory: std::env::temp_dir(),
            memory_bytes: limits.memory_bytes,
            process_bytes: process_bytes(limits.memory_bytes),
        };
        Ok(Self(Arc::new(Pool {
            setup,
            memory_bytes: limits.memory_bytes,
            free_bytes: Mutex::new(total_bytes),
            tables: Mutex::default(),
            idle: Mutex::default(),
            running: prometheus_client::metrics::gauge::Gauge::default(),
            watch: MemoryWatch::start(process_bytes(total_bytes))?,
            metrics: metrics.clone(),
        })))
    }

    /// Starts a worker, so that the first statement need not wait for it, and ends those that have long waited for one,
    /// until the server is gone.
    pub(crate) async fn maintain(self) {
        loop {
            self.0.start_spare().await;
            tokio::time::sleep(MAX_IDLE_TIME / 4).await;
            self.0.end_idle();
        }
    }

    /// Returns what a statement over these tables may use: the share of a request, or half of the server's memory that
    /// is free. Workers that have cached other tables under these names are ended.
    pub(crate) fn share(&self, permit: &Arc<EnginePermit>, table_ids: &str) -> WorkerShare {
        let generation = self.0.read_tables(table_ids);
        let mut free = self.0.free_bytes.lock();
        let most = self.0.memory_bytes;
        let memory_bytes = if *free >= most { most } else { (*free / 2).max(MIN_SHARE_BYTES).min(most) };
        let taken_bytes = memory_bytes.min(*free);
        *free -= taken_bytes;
        WorkerShare { pool: Arc::clone(&self.0), memory_bytes, taken_bytes, generation, _permit: Arc::clone(permit) }
    }

    /// Returns the number of workers with a statement, and of those that wait for one.
    pub(crate) fn counts(&self) -> (i64, usize) {
        (self.0.running.get(), self.0.idle.lock().len())
    }
}

impl Pool {
    async fn start(&self) -> Result<Process> {
        let process = Process::start(&self.setup).await?;
        self.metrics.add_worker_start();
        Ok(process)
    }

    async fn start_spare(&self) {
        if self.idle.lock().is_empty() && self.running.get() == 0 {
            match self.start().await {
                Ok(process) => self.idle.lock().push(Idle { process, since: Instant::now() }),
                Err(error) => tracing::warn!("{error}"),
            }
        }
    }

    /// Returns the generation of tables with these ids.
    fn read_tables(&self, ids: &str) -> u64 {
        let mut tables = self.tables.lock();
        if tables.ids != ids {
            let strangers = if tables.ids.is_empty() { Vec::new() } else { std::mem::take(&mut *self.idle.lock()) };
            ids.clone_into(&mut tables.ids);
            tables.generation += 1;
            strangers.into_iter().for_each(|idle| self.end(idle.process));
        }
        tables.generation
    }

    /// Takes a worker back that waits for a statement.
    fn take_back(&self, process: Process, generation: u64) {
        let is_old = process.answered >= MAX_ANSWERED || generation != self.tables.lock().generation;
        let is_done = is_old || process.memory_bytes() > MAX_IDLE_BYTES;
        let mut idle = self.idle.lock();
        if is_done || idle.len() >= MAX_IDLE {
            drop(idle);
            self.end(process);
        } else {
            idle.push(Idle { process, since: Instant::now() });
        }
    }

    fn end_idle(&self) {
        let mut idle = self.idle.lock();
        while idle.len() > 1 && idle.first().is_some_and(|first| first.since.elapsed() > MAX_IDLE_TIME) {
            let Idle { process, .. } = idle.remove(0);
            self.end(process);
        }
    }

    fn end(&self, process: Process) {
        self.metrics.add_worker_end("idle");
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(process.end());
        }
    }
}

impl Drop for WorkerShare {
    fn drop(&mut self) {
        *self.pool.free_bytes.lock() += self.taken_bytes;
    }
}

impl Lease {
    /// Asks a worker for something: one that waits, or a new one.
    ///
    /// # Errors
    /// If none can be started.
    pub(super) async fn ask(share: WorkerShare, request: &Request) -> Result<Self> {
        let pool = Arc::clone(&share.pool);
        let waiting = pool.idle.lock().pop();
        let is_new = waiting.is_none();
        let process = match waiting {
            Some(Idle { process, .. }) => process,
            None => pool.start().await?,
        };
        let watched = pool.watch.watch(process.id(), process_bytes(share.memory_bytes));
        pool.running.inc();
        let mut lease =
            Self { process: Some(process), share: Some(share), watched: Some(watched), state: State::Waits };
        match lease.send(request).await {
            Ok(()) => Ok(lease),
            Err(_) if is_new => Err(lease.explain_end().await),
            Err(_) => {
                // It ended while it waited: the next one.
                let share = lease.share.take().ok_or_else(|| Error::internal("the share of a statement"))?;
                if let Some(left) = lease.leave(&share) {
                    left.await;
                }
                Box::pin(Self::ask(share, request)).await
            }
        }
    }

    /// Asks the worker for something.
    ///
    /// # Errors
    /// If it has ended.
    pub(super) async fn send(&mut self, request: &Request) -> Result<()> {
        let Some(process) = self.process.as_mut() else { return Err(Error::internal("the worker has ended")) };
        self.state = State::Broken;
        process.send(request).await?;
        self.state = State::Works;
        Ok(())
    }

    /// Returns the next frame; `None` at the end of the answer, after which the worker waits for another statement.
    ///
    /// # Errors
    /// The answer's error, or why the worker ended.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>> {
        if self.state == State::Waits {
            return Ok(None);
        }
        let Some(process) = self.process.as_mut() else { return Err(Error::internal("the worker has ended")) };
        let Some((tag, payload)) = process.receive().await else { return Err(self.explain_end().await) };
        Ok(Some(match tag {
            Tag::Columns => Frame::Columns(decode(&payload)?.0),
            Tag::Placeholders => Frame::Placeholders(decode(&payload)?.0),
            Tag::Plan => {
                self.state = State::PlannedStatement;
                Frame::Plan(from_json(&payload)?)
            }
            Tag::Begin => Frame::Begin(from_json(&payload)?),
            Tag::Batch => {
                let (_, batch) = decode(&payload)?;
                Frame::Batch(batch.ok_or_else(|| Error::internal("rows without a batch"))?)
            }
            Tag::End => {
                process.answered += 1;
                self.state = State::Waits;
                let end: End = from_json(&payload)?;
                return end.into_result().map(|()| None);
            }
        }))
    }

    /// Returns the worker to the pool: an idle one is reused, a busy one is asked to abandon its statement, and ended
    /// if it does not.
    fn leave(&mut self, share: &WorkerShare) -> Option<impl Future<Output = ()> + Send + use<>> {
        let (mut process, watched) = (self.process.take()?, self.watched.take());
        let (pool, generation) = (Arc::clone(&share.pool), share.generation);
        if self.state == State::Waits {
            drop(watched);
            pool.running.dec();
            pool.take_back(process, generation);
            return None;
        }
        let state = self.state;
        if state != State::PlannedStatement {
            tracing::debug!("query cancelled");
        }
        Some(async move {
            let is_whole = state != State::Broken;
            let left = is_whole && timeout(CANCEL_TIMEOUT, leave(&mut process)).await.ok().flatten().is_some();
            drop(watched);
            pool.running.dec();
            if left {
                pool.take_back(process, generation);
            } else {
                tracing::info!(worker = process.id(), "a query was left and did not end: its process was ended");
                pool.metrics.add_worker_end("time");
                process.end().await;
                pool.start_spare().await;
            }
            tracing::debug!("a query that was left has ended");
        })
    }

    async fn explain_end(&mut self) -> Error {
        let (Some(process), Some(share)) = (self.process.take(), self.share.as_ref()) else {
            return Error::internal("the worker has ended");
        };
        let excess = self.watched.take().and_then(|watched| watched.excess());
        share.pool.running.dec();
        let (cause, error) = process.explain_end(excess, process_bytes(share.memory_bytes)).await;
        share.pool.metrics.add_worker_end(match cause {
            EndCause::Memory => "memory",
            EndCause::Crash => "crash",
        });
        error
    }
}

impl Drop for Lease {
    /// Keeps the share and the permit until the worker has abandoned the statement.
    fn drop(&mut self) {
        if let Some(share) = self.share.take() {
            let left = self.leave(&share);
            if let (Some(left), Ok(runtime)) = (left, Handle::try_current()) {
                let left = async move {
                    left.await;
                    drop(share);
                };
                runtime.spawn(left.in_current_span());
            }
        }
    }
}

/// Lets a worker leave its statement; none if it has ended.
async fn leave(process: &mut Process) -> Option<()> {
    process.send(&Request::Cancel).await.ok()?;
    while process.receive().await?.0 != Tag::End {}
    Some(())
}
