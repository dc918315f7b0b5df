//! What every request sees, over whichever interface it comes.

use std::collections::BTreeSet;
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
use crate::admission::{Turn, Turns};
use crate::http::{KeptAnswers, MapPage};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::sql_worker::{Share, SqlWorkers};

/// The lake, and what a request may use of it.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) reader: Arc<Reader>,
    /// The queries that can be asked for by name.
    pub(crate) queries: Queries,
    pub(crate) access: Access,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) turns: Turns,
    /// None where the program was built without the map.
    pub(crate) map_page: Option<MapPage>,
    pub(crate) labels: LabelValues,
    pub(crate) answers: KeptAnswers,
    pub(crate) sql_workers: SqlWorkers,
    /// Cancelled when the server is told to stop: what would go on without an end, ends.
    pub(crate) stop: CancellationToken,
    /// Cancelled when what is still under way after that is cut off.
    pub(crate) cut: CancellationToken,
}

/// One request's reading of the lake, with its share of the engine and its turn. The turn lasts as long as the reading,
/// so who sends an answer as it is made keeps it: see [`Reading::keep`].
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    lake: QueryContext,
    /// Bytes that the request may spill.
    pub(crate) spill_bytes: u64,
    sql_workers: SqlWorkers,
    metrics: Metrics,
    turn: Arc<Turn>,
}

impl App {
    /// What the requests of one server see.
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
        let turns = Turns::new(limits.engine_requests, limits.queue);
        let (metrics, cut) = (Metrics::new(), CancellationToken::new());
        let sql_workers = SqlWorkers::new(&reader, &limits, &metrics)?;
        let (labels, answers) = (LabelValues::default(), KeptAnswers::default());
        let queries = Queries::default();
        Ok(Self { reader, queries, access, limits, metrics, turns, map_page, labels, answers, sql_workers, stop, cut })
    }

    /// The names of all resources: those in the lake and those of the catalog.
    pub(crate) fn resource_names<'a>(&self, view: &'a LakeSnapshot) -> BTreeSet<&'a str> {
        let known = view.catalog.iter().map(|resource| resource.name.as_str());
        known.chain(view.resources.keys().map(String::as_str)).collect()
    }

    /// A reading of the newest versions.
    ///
    /// # Errors
    /// If the engine has no turn in time, the store does not answer or a log is damaged.
    pub(crate) async fn reading(&self) -> Result<Reading> {
        let turn = self.turn().await?;
        self.of(self.reader.open_newest().await?, turn)
    }

    /// A reading of the versions that an earlier answer named in `Lake-Version`.
    ///
    /// # Errors
    /// If the engine has no turn in time, it is no such text, or those versions are gone.
    pub(crate) async fn reading_at(&self, versions: &str) -> Result<Reading> {
        let moment = TimeTravel::parse_versions(versions)?;
        let turn = self.turn().await?;
        self.of(self.reader.reopen(&moment).await?, turn)
    }

    /// A reading of exactly the versions of an earlier one.
    ///
    /// # Errors
    /// If the engine has no turn in time, or those versions are gone.
    pub(crate) async fn reading_pinned(&self, pin: &SnapshotVersions) -> Result<Reading> {
        let turn = self.turn().await?;
        self.of(self.reader.open_versions(pin).await?, turn)
    }

    async fn turn(&self) -> Result<Turn> {
        self.turns.take(&Client::current_key()).await.inspect_err(|error| {
            if error.kind() == Kind::Busy {
                self.metrics.refused("engine");
            }
        })
    }

    fn of(&self, view: LakeSnapshot, turn: Turn) -> Result<Reading> {
        Ok(Reading {
            lake: QueryContext {
                reader: Arc::clone(&self.reader),
                engine: self.reader.engine().with_limits(self.limits.memory_bytes, self.limits.spill_bytes)?,
                view,
            },
            spill_bytes: self.limits.spill_bytes,
            sql_workers: self.sql_workers.clone(),
            metrics: self.metrics.clone(),
            turn: Arc::new(turn),
        })
    }
}

impl Deref for Reading {
    type Target = QueryContext;

    fn deref(&self) -> &QueryContext {
        &self.lake
    }
}

impl Reading {
    /// What a statement of a user may use, which keeps the turn.
    pub(crate) fn sql_share(&self) -> Share {
        self.sql_workers.share(&self.turn, &self.view.table_ids())
    }

    /// The batches of an answer, whose rows are counted, and which keep the turn until they end or are dropped.
    pub(crate) fn keep<E: Send + 'static>(
        &self,
        batches: BoxStream<'static, Result<RecordBatch, E>>,
    ) -> BoxStream<'static, Result<RecordBatch, E>> {
        let (metrics, turn) = (self.metrics.clone(), Arc::clone(&self.turn));
        let counted = batches.inspect(move |batch| {
            let _kept = &turn;
            if let Ok(batch) = batch {
                metrics.rows(batch.num_rows());
            }
        });
        counted.boxed()
    }
}
