//! The application state that every request shares, over either interface.

use std::ops::Deref;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use lake_analytics::{LabelValues, QueryContext};
use lake_model::{Kind, Result};
use lake_query::{LakeSnapshot, Queries, Reader, SnapshotVersions, TimeTravel};
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Client};
use crate::admission::{Admission, EnginePermit};
use crate::http::{AnswerCache, MapPage};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::sql_worker::{SqlWorkers, WorkerShare};

/// The lake, and the share of it that a request may use.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) reader: Arc<Reader>,
    /// The queries that can be requested by name.
    pub(crate) queries: Queries,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) admission: Admission,
    /// None where the program was built without the map.
    pub(crate) map_page: Option<MapPage>,
    pub(crate) labels: LabelValues,
    pub(crate) answers: AnswerCache,
    pub(crate) sql_workers: SqlWorkers,
    /// Cancelled when the server is stopped: streams without an end then end.
    pub(crate) stop: CancellationToken,
    /// Cancelled when what is still under way after that is cut off.
    pub(crate) abort: CancellationToken,
}

/// One request: the snapshot that it reads, with its share of the engine and its permit. The permit lasts as long as
/// the context, so a streamed answer keeps it: see [`RequestContext::keep`].
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    lake: QueryContext,
    /// Bytes that the request may spill.
    pub(crate) spill_bytes: u64,
    sql_workers: SqlWorkers,
    metrics: Metrics,
    permit: Arc<EnginePermit>,
}

impl App {
    /// Creates the state that the requests of one server share.
    ///
    /// # Errors
    /// If the machine gives no more threads.
    pub(crate) fn new(
        reader: Arc<Reader>,
        access: Access,
        limits: Limits,
        map_page: Option<MapPage>,
        stop: CancellationToken,
    ) -> Result<Self> {
        let admission = Admission::new(limits.engine_requests, limits.queue);
        let (metrics, abort) = (Metrics::new(), CancellationToken::new());
        let sql_workers = SqlWorkers::new(&reader, &limits, &metrics)?;
        let (labels, answers) = (LabelValues::default(), AnswerCache::default());
        let queries = Queries::default();
        Ok(Self {
            reader,
            queries,
            access,
            limits,
            metrics,
            admission,
            map_page,
            labels,
            answers,
            sql_workers,
            stop,
            abort,
        })
    }

    /// Opens a snapshot of the newest versions.
    ///
    /// # Errors
    /// If no engine permit is free in time, the store does not answer or a log is damaged.
    pub(crate) async fn open_context(&self) -> Result<RequestContext> {
        let permit = self.acquire_permit().await?;
        self.context(self.reader.open_newest().await?, permit)
    }

    /// Opens a snapshot of the versions that an earlier answer named in `Lake-Version`.
    ///
    /// # Errors
    /// If no engine permit is free in time, it is not such a text, or those versions are gone.
    pub(crate) async fn open_context_at(&self, versions: &str) -> Result<RequestContext> {
        let time_travel = TimeTravel::parse_versions(versions)?;
        let permit = self.acquire_permit().await?;
        self.context(self.reader.reopen(&time_travel).await?, permit)
    }

    /// Opens a snapshot of exactly the versions of an earlier one.
    ///
    /// # Errors
    /// If no engine permit is free in time, or those versions are gone.
    pub(crate) async fn open_context_pinned(&self, pin: &SnapshotVersions) -> Result<RequestContext> {
        let permit = self.acquire_permit().await?;
        self.context(self.reader.open_versions(pin).await?, permit)
    }

    async fn acquire_permit(&self) -> Result<EnginePermit> {
        self.admission.acquire(&Client::current_key()).await.inspect_err(|error| {
            if error.kind() == Kind::Busy {
                self.metrics.add_refusal("engine");
            }
        })
    }

    fn context(&self, snapshot: Arc<LakeSnapshot>, permit: EnginePermit) -> Result<RequestContext> {
        Ok(RequestContext {
            lake: QueryContext {
                reader: Arc::clone(&self.reader),
                engine: self.reader.engine().with_limits(self.limits.memory_bytes, self.limits.spill_bytes)?,
                snapshot,
            },
            spill_bytes: self.limits.spill_bytes,
            sql_workers: self.sql_workers.clone(),
            metrics: self.metrics.clone(),
            permit: Arc::new(permit),
        })
    }
}

impl Deref for RequestContext {
    type Target = QueryContext;

    fn deref(&self) -> &QueryContext {
        &self.lake
    }
}

impl RequestContext {
    /// Returns the resources that a user's statement may use; they keep the permit.
    pub(crate) fn sql_share(&self) -> WorkerShare {
        self.sql_workers.share(&self.permit, &self.snapshot.table_ids())
    }

    /// Returns the batches of an answer; their rows are counted, and they keep the permit until they end or are
    /// dropped.
    pub(crate) fn keep<E: Send + 'static>(
        &self,
        batches: BoxStream<'static, Result<RecordBatch, E>>,
    ) -> BoxStream<'static, Result<RecordBatch, E>> {
        let (metrics, permit) = (self.metrics.clone(), Arc::clone(&self.permit));
        let counted = batches.inspect(move |batch| {
            let _kept = &permit;
            if let Ok(batch) = batch {
                metrics.add_rows(batch.num_rows());
            }
        });
        counted.boxed()
    }
}
