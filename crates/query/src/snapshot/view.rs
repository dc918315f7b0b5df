//! One reading of the lake: one version of every table, opened in the order that makes them agree.
//!
//! `fast_counts` first, then `counts`, then `incidents` at the versions that `counts` names: whatever compaction
//! does meanwhile, the fast rows above the watermark that was read are all there.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use futures::future::try_join_all;
use lake_model::{Catalog, Error, Kind, Resource, Result, StoredDefinition};
use lake_store::{
    BoundariesMark, ColumnRange, CompactionMark, CountedDefinitions, DataFile, ForgottenMark, Lake, LandingMark,
    Snapshot, Table, fast_counts_transaction,
};

use crate::engine::{Engine, Session};
use crate::error::engine_error;
use crate::projection::incident_select;
use crate::snapshot::boundaries;
use crate::snapshot::delta_files::DeltaFiles;
use crate::snapshot::stored_definition::StoredDefinitions;
use crate::sql::named_queries::queries::Queries;
use crate::sql::templates::{fill, literal, template};

/// A resource in one reading.
#[derive(Clone, Debug)]
pub struct ResourceView {
    /// Its definition, where the catalog has it.
    pub resource: Option<Arc<Resource>>,
    /// Its raw table at the version read.
    pub raw: Arc<Snapshot>,
    /// The last batch whose fast counts are there.
    pub through: i64,
    /// The last batch that holds rows.
    pub landed: i64,
    /// What the last compaction left.
    pub compaction: Option<CompactionMark>,
    /// Under which definitions the batches were counted.
    pub definitions: Arc<CountedDefinitions>,
    /// What landing left.
    pub mark: LandingMark,
    /// Whether a `forget` was interrupted: what it took from the raw rows is still counted.
    pub is_forgetting: bool,
}

impl ResourceView {
    /// The last batch of the compacted tables; 0 before the first compaction.
    pub fn watermark(&self) -> i64 {
        self.compaction.as_ref().map_or(0, |c| c.watermark)
    }

    /// Batches that are counted but not compacted yet.
    pub fn is_pending(&self) -> bool {
        self.through > self.watermark()
    }

    /// Whether the key columns are others than those the rows landed with.
    pub fn is_rekeyed(&self) -> bool {
        !self.mark.key.is_empty() && self.resource.as_ref().is_some_and(|resource| self.mark.key != resource.key)
    }

    /// Whether some of what is answered was counted under another definition than today's.
    pub fn is_redefined(&self) -> bool {
        let Some(resource) = &self.resource else { return false };
        let compacted = self.compaction.as_ref().is_some_and(|c| !resource.has_fingerprint(&c.fingerprint));
        // A definition reaches up to the batch before the next one's first.
        let ends = self.definitions.0.iter().skip(1).map(|(first, _)| first - 1).chain(std::iter::once(i64::MAX));
        let pending =
            self.definitions.0.iter().zip(ends).filter(|(_, end)| self.is_pending() && *end > self.watermark());
        compacted
            || self.is_rekeyed()
            || pending.into_iter().any(|((_, fingerprint), _)| !resource.has_fingerprint(fingerprint))
    }

    /// Batches whose counts a compaction has yet to confirm: those above the watermark, or all of them where the
    /// definition has changed.
    pub fn unreconciled(&self) -> i64 {
        let above = if self.is_redefined() { 0 } else { self.watermark() };
        (self.through.max(self.watermark()) - above).max(0)
    }

    /// Seconds since the last batch landed, by the clock of this machine; none if it does not say when.
    pub fn lag_seconds(&self) -> Option<i64> {
        let landed = DateTime::parse_from_rfc3339(&self.mark.landed_at).ok()?;
        Some((lake_model::now() - landed.with_timezone(&Utc)).num_seconds().max(0))
    }

    /// Whether the answer equals a recount: everything landed is counted, under the definition of today.
    pub fn is_exact(&self) -> bool {
        self.inexact_because().is_none()
    }

    /// Why the answer may differ from a recount, and what mends it; none if it is exact. `NAME` stands for the resource.
    fn inexact_because(&self) -> Option<&'static str> {
        let counted = self.through.max(self.watermark());
        if self.resource.is_none() {
            // Rows above the watermark cannot be read as incidents without the rule that makes them so.
            Some(
                "its definition is not known, so its rows that are not compacted are no incidents yet; give the \
                 directory of its file with --resources, and `hotspots-lake compact --resource NAME` keeps it in the lake",
            )
        } else if self.is_forgetting {
            Some("a `forget` was interrupted; run `hotspots-lake forget NAME KEY` again")
        } else if self.is_rekeyed() {
            Some("its key has changed since its rows landed; `hotspots-lake ingest NAME` gives every row its new key")
        } else if self.is_redefined() {
            Some("its definition has changed since it was counted; `hotspots-lake compact --resource NAME` recounts it")
        } else if !self.mark.key.is_empty() && self.mark.batch < counted {
            Some(
                "its raw table was put back to an earlier state than the counts; put the whole lake back from one copy",
            )
        } else if self.landed > counted {
            Some("its last batch is not counted yet; `hotspots-lake ingest NAME` counts it if no ingest is running")
        } else {
            None
        }
    }
}

/// One reading of the lake.
#[derive(Clone, Debug)]
pub struct View {
    /// The lake.
    pub lake: Lake,
    /// `fast_counts` as read.
    pub fast_counts: Arc<Snapshot>,
    /// `counts` as read.
    pub counts: Arc<Snapshot>,
    /// `incidents`, each resource's files at the version that its compaction names. A newer version may hold what a
    /// compaction that never reached its commit point, or is about to, has written.
    pub incidents: Arc<Snapshot>,
    /// `rejects` as read.
    pub rejects: Arc<Snapshot>,
    /// `boundaries` as read; none in a lake where none have landed.
    pub boundaries: Option<Arc<Snapshot>>,
    /// The landed resources by name.
    pub resources: BTreeMap<String, ResourceView>,
    /// The definitions that hold in this reading: those the program and the user give, and those of the lake.
    pub catalog: Arc<Catalog>,
    /// Whether these are today's definitions, or those of its versions.
    pub(crate) definitions: DefinitionsOf,
}

/// The versions that a reading is made of; `incidents` follow from `counts`.
pub(crate) struct Versions {
    pub(crate) fast_counts: Arc<Snapshot>,
    pub(crate) counts: Arc<Snapshot>,
    pub(crate) rejects: Arc<Snapshot>,
    pub(crate) boundaries: Option<Arc<Snapshot>>,
    pub(crate) raws: Vec<(String, Arc<Snapshot>)>,
}

/// Which definitions a reading goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DefinitionsOf {
    /// Today's, even if rows of the reading landed under an earlier one.
    Today,
    /// Those that the versions of the reading keep.
    ThatTime,
}

/// Times that a reading is opened anew because what it had opened was removed meanwhile.
const MOST_TRIES: u32 = 5;

pub(crate) type Cached<T> = Mutex<BTreeMap<String, (u64, T)>>;

/// Opens readings; keeps what a version of a table says, which never changes.
#[derive(Debug)]
pub struct Reader {
    lake: Lake,
    engine: Engine,
    /// The definitions of the program and of the user's files.
    pub(crate) given: Arc<Catalog>,
    /// The definitions of the last reading, and what they were made with.
    pub(crate) catalog: Mutex<Option<(StoredDefinitions, Arc<Catalog>)>>,
    pub(crate) stored_definitions: Cached<Option<Arc<StoredDefinition>>>,
    queries: Queries,
    raws: Mutex<BTreeMap<String, Table>>,
    through: Cached<i64>,
    compactions: Cached<Option<CompactionMark>>,
    definitions: Cached<Arc<CountedDefinitions>>,
    marks: Cached<(LandingMark, bool)>,
    incident_files: Cached<Arc<Vec<DataFile>>>,
    pub(crate) boundaries_marks: Cached<Option<BoundariesMark>>,
    /// Whether the table of boundaries has been seen: it does not go away.
    pub(crate) has_boundaries: AtomicBool,
}

impl Reader {
    /// A reader of `lake` that knows the resources of `given`, and those that the lake keeps.
    pub fn new(lake: Lake, engine: Engine, given: Arc<Catalog>) -> Self {
        Self {
            lake,
            engine,
            given,
            catalog: Mutex::default(),
            stored_definitions: Mutex::default(),
            queries: Queries::default(),
            raws: Mutex::default(),
            through: Mutex::default(),
            compactions: Mutex::default(),
            definitions: Mutex::default(),
            marks: Mutex::default(),
            incident_files: Mutex::default(),
            boundaries_marks: Mutex::default(),
            has_boundaries: AtomicBool::default(),
        }
    }

    /// The same, with queries that can be asked for by name.
    #[must_use]
    pub fn with_queries(self, queries: Queries) -> Self {
        Self { queries, ..self }
    }

    /// The lake that is read.
    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The definitions of the program and of the user's files; [`View::catalog`] has those of the lake as well.
    pub fn given(&self) -> &Catalog {
        &self.given
    }

    /// The queries that can be asked for by name.
    pub fn queries(&self) -> &Queries {
        &self.queries
    }

    /// Opens a reading of the newest versions.
    ///
    /// # Errors
    /// If the store does not answer or a log is damaged.
    pub async fn view(&self) -> Result<View> {
        let mut tries = 0;
        loop {
            let fast_counts = self.lake.snapshot_of(&self.lake.fast_counts).await?;
            let counts = self.lake.snapshot_of(&self.lake.counts).await?;
            let versions = (fast_counts.version, counts.version);
            match self.open_rest(fast_counts, counts).await {
                Err(error) if tries < MOST_TRIES && self.has_moved(versions).await => {
                    tries += 1;
                    tracing::debug!(%error, "what was opened is no longer the newest, opening again");
                }
                opened => return opened,
            }
        }
    }

    async fn open_rest(&self, fast_counts: Arc<Snapshot>, counts: Arc<Snapshot>) -> Result<View> {
        // What no order is needed between is opened at once: on S3 each takes a round trip or two.
        let (rejects, boundaries, raws) =
            futures::try_join!(self.lake.snapshot_of(&self.lake.rejects), self.boundaries(), self.raws())?;
        let landed: Vec<&str> = raws.iter().map(|(name, _)| name.as_str()).collect();
        self.lake.require_raw_tables(&[Arc::clone(&fast_counts), Arc::clone(&counts)], &landed)?;
        let versions = Versions { fast_counts, counts, rejects, boundaries, raws };
        self.assemble(versions, DefinitionsOf::Today).await
    }

    /// Whether `fast_counts` or `counts` has a newer version: `forget` may have removed the logs of these meanwhile.
    async fn has_moved(&self, (fast_counts, counts): (u64, u64)) -> bool {
        let newest = futures::try_join!(self.lake.fast_counts.snapshot(), self.lake.counts.snapshot());
        newest.is_ok_and(|(fast, count)| fast.version > fast_counts || count.version > counts)
    }

    /// A reading of these versions.
    pub(crate) async fn assemble(&self, versions: Versions, definitions: DefinitionsOf) -> Result<View> {
        let Versions { fast_counts, counts, rejects, boundaries, raws } = versions;
        let stored = self.stored_definitions(&raws, boundaries.as_deref()).await?;
        let catalog = match definitions {
            DefinitionsOf::Today => self.catalog_with(stored),
            DefinitionsOf::ThatTime => self.catalog_as_stored(&stored),
        };
        let mut resources = BTreeMap::new();
        let mut incident_files = Vec::new();
        for (name, raw) in raws {
            let view = self.resource_view(&name, &fast_counts, &counts, raw, catalog.get(&name).ok()).await?;
            if let Some(compaction) = &view.compaction {
                incident_files.extend_from_slice(&self.incident_files(&name, compaction.incidents_version).await?);
            }
            resources.insert(name, view);
        }
        let incidents = Arc::new(self.lake.snapshot_of(&self.lake.incidents).await?.with_files(incident_files));
        let lake = self.lake.clone();
        Ok(View { lake, fast_counts, counts, incidents, rejects, boundaries, resources, catalog, definitions })
    }

    /// The raw tables of all landed resources, at their newest versions.
    pub(crate) async fn raws(&self) -> Result<Vec<(String, Arc<Snapshot>)>> {
        let opened = self.lake.list_landed_resources().await?.into_iter().map(|name| async move {
            let raw = self.raw(&name)?.snapshot().await?;
            Ok((name, raw))
        });
        try_join_all(opened).await
    }

    /// The raw table of a resource, opened once.
    pub(crate) fn raw(&self, name: &str) -> Result<Table> {
        let cached = self.raws.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        match cached {
            Some(table) => Ok(table),
            None => {
                let table = self.lake.raw(name)?;
                let mut raws = self.raws.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(raws.entry(name.to_owned()).or_insert(table).clone())
            }
        }
    }

    /// The last batch of a resource that `fast_counts` contains at a version.
    pub(crate) async fn through(&self, name: &str, fast_counts: &Snapshot) -> Result<i64> {
        if let Some(known) = self.known(&self.through, name, fast_counts.version) {
            return Ok(known);
        }
        let found = self.lake.fast_counts.read_transaction(fast_counts, &fast_counts_transaction(name)).await?;
        Ok(self.learn(&self.through, name, fast_counts.version, found.unwrap_or(0)))
    }

    /// What the last compaction of a resource left in `counts` at a version.
    pub(crate) async fn compaction(&self, name: &str, counts: &Snapshot) -> Result<Option<CompactionMark>> {
        if let Some(known) = self.known(&self.compactions, name, counts.version) {
            return Ok(known);
        }
        let found = CompactionMark::read(&self.lake.counts, counts, name).await?;
        Ok(self.learn(&self.compactions, name, counts.version, found))
    }

    async fn resource_view(
        &self,
        name: &str,
        fast_counts: &Snapshot,
        counts: &Snapshot,
        raw: Arc<Snapshot>,
        resource: Option<Arc<Resource>>,
    ) -> Result<ResourceView> {
        let through = self.through(name, fast_counts).await?;
        let compaction = self.compaction(name, counts).await?;
        let definitions = match self.known(&self.definitions, name, fast_counts.version) {
            Some(known) => known,
            None => {
                let found = CountedDefinitions::read(&self.lake.fast_counts, fast_counts, name).await?;
                self.learn(&self.definitions, name, fast_counts.version, Arc::new(found))
            }
        };
        let (mark, is_forgetting) = match self.known(&self.marks, name, raw.version) {
            Some(known) => known,
            None => {
                let table = self.raw(name)?;
                let mark = LandingMark::read(&table, &raw).await?;
                let is_forgetting = ForgottenMark::read(&table, &raw).await?.pending;
                self.learn(&self.marks, name, raw.version, (mark, is_forgetting))
            }
        };
        let landed = raw.files.iter().filter_map(last_batch).max().unwrap_or(0);
        Ok(ResourceView { resource, raw, through, landed, compaction, definitions, mark, is_forgetting })
    }

    /// The files of `incidents` that are a resource's at a version.
    async fn incident_files(&self, name: &str, version: u64) -> Result<Arc<Vec<DataFile>>> {
        if let Some(known) = self.known(&self.incident_files, name, version) {
            return Ok(known);
        }
        let snapshot = match self.lake.incidents.snapshot_at(version).await {
            Err(error) if error.kind() == Kind::NotFound => {
                // Says so where the whole table is lost.
                self.lake.snapshot_of(&self.lake.incidents).await?;
                return Err(error);
            }
            snapshot => snapshot?,
        };
        let own = snapshot.files.iter().filter(|file| file.partition_value("resource") == Some(name));
        Ok(self.learn(&self.incident_files, name, version, Arc::new(own.cloned().collect())))
    }

    pub(crate) fn known<T: Clone>(&self, cache: &Cached<T>, name: &str, version: u64) -> Option<T> {
        let cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(name).filter(|(of, _)| *of == version).map(|(_, value)| value.clone())
    }

    pub(crate) fn learn<T: Clone>(&self, cache: &Cached<T>, name: &str, version: u64, value: T) -> T {
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(name.to_owned(), (version, value.clone()));
        value
    }

    /// A session over a reading: `incidents` and `counts` as they are now, `rejects`, `boundaries`, `stored.*`, `raw.*`.
    ///
    /// # Errors
    /// If a view cannot be planned.
    pub async fn session(&self, view: &View) -> Result<Session> {
        self.session_on(&self.engine, view).await
    }

    /// The same on an engine for one request: see [`Engine::within`].
    ///
    /// # Errors
    /// If a view cannot be planned.
    pub async fn session_on(&self, engine: &Engine, view: &View) -> Result<Session> {
        let session = engine.session();
        register(&session, view).await?;
        Ok(session)
    }
}

pub(crate) fn last_batch(file: &DataFile) -> Option<i64> {
    match file.ranges.get("_batch") {
        Some(ColumnRange::Number(_, last)) => Some(*last),
        _ => None,
    }
}

impl View {
    /// The versions read, for `Lake-Version`.
    pub fn version(&self) -> String {
        let incidents = self.resources.values().filter_map(|r| Some(r.compaction.as_ref()?.incidents_version)).max();
        let incidents = incidents.unwrap_or(0);
        format!("fast_counts={},counts={},incidents={incidents}", self.fast_counts.version, self.counts.version)
    }

    /// When the newest of what was read was committed, milliseconds since 1970 UTC.
    pub fn as_of_ms(&self) -> Option<i64> {
        [&self.fast_counts, &self.counts].into_iter().filter_map(|s| s.committed_ms()).max()
    }

    /// Whether the answer over `names` (all if empty) equals a recount.
    pub fn is_exact(&self, names: &[String]) -> bool {
        self.resources.iter().filter(|(name, _)| names.is_empty() || names.contains(name)).all(|(_, r)| r.is_exact())
    }

    /// Which resources are not answered exactly, why, and what mends it: a line each.
    pub fn inexact(&self) -> Vec<String> {
        let of = |(name, resource): (&String, &ResourceView)| {
            let why = resource.inexact_because()?.replace("NAME", name);
            Some(format!("the counts and incidents of {name} are not exact: {why}"))
        };
        self.resources.iter().filter_map(of).collect()
    }

    /// A table of the lake at the version read.
    ///
    /// # Errors
    /// If its files cannot be scanned.
    pub fn provider(&self, table: &Table, snapshot: &Snapshot) -> Result<Arc<DeltaFiles>> {
        Ok(Arc::new(DeltaFiles::new(snapshot, table).map_err(engine_error)?))
    }
}

async fn register(session: &Session, view: &View) -> Result<()> {
    let context = session.context();
    let catalog = context.catalog("lake").ok_or_else(|| Error::internal("the session has no catalog"))?;
    let schema = |name: &str| -> Result<Arc<dyn SchemaProvider>> {
        let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        catalog.register_schema(name, Arc::clone(&schema)).map_err(engine_error)?;
        Ok(schema)
    };
    let (stored, raw, pending) = (schema("stored")?, schema("raw")?, schema("pending")?);
    let lake = &view.lake;
    for (table, snapshot) in [
        (&lake.fast_counts, &view.fast_counts),
        (&lake.counts, &view.counts),
        (&lake.incidents, &view.incidents),
        (&lake.rejects, &view.rejects),
    ] {
        let provider = view.provider(table, snapshot)?;
        stored.register_table(table.name().to_owned(), provider).map_err(engine_error)?;
    }
    let boundaries = boundaries::provider(view)?;
    stored.register_table(lake.boundaries.name().to_owned(), boundaries).map_err(engine_error)?;
    let mut changed = Vec::new();
    for (name, resource) in &view.resources {
        let table = lake.raw(name)?;
        let provider = view.provider(&table, &resource.raw)?;
        let sql_name = name.replace('-', "_");
        raw.register_table(sql_name.clone(), provider).map_err(engine_error)?;
        if let (true, Some(definition)) = (resource.is_pending(), &resource.resource) {
            let text = fill(
                template("views/changed")?,
                &[
                    ("incident", &incident_select(definition)),
                    ("raw", &format!("raw.\"{sql_name}\"")),
                    ("above", &resource.watermark().to_string()),
                    ("through", &resource.through.to_string()),
                ],
            )?;
            let frame = context.sql(&text).await.map_err(engine_error)?;
            pending.register_table(sql_name.clone(), frame.into_view()).map_err(engine_error)?;
            changed.push((name.clone(), sql_name));
        }
    }
    let mut views = vec![("rejects", template("views/rejects")?.to_owned())];
    views.push(("boundaries", template("views/boundaries")?.to_owned()));
    views.push(("counts", counts_view(view)?));
    views.push(("incidents", incidents_view(&changed)?));
    for (name, text) in views {
        let frame = context.sql(&text).await.map_err(engine_error)?;
        context.register_table(name, frame.into_view()).map_err(engine_error)?;
    }
    // What only the views need is not the user's to see.
    catalog.deregister_schema("pending", true).map_err(engine_error)?;
    Ok(())
}

/// The condition that a fast row is above its resource's watermark.
fn above_watermarks(view: &View) -> String {
    let pending = view
        .resources
        .iter()
        .filter(|(_, r)| r.is_pending())
        .map(|(name, r)| format!("(resource = {} AND batch > {})", literal(name), r.watermark()));
    let all: Vec<String> = pending.collect();
    if all.is_empty() { "FALSE".to_owned() } else { all.join(" OR ") }
}

fn counts_view(view: &View) -> Result<String> {
    let name =
        if view.resources.values().any(ResourceView::is_pending) { "views/counts" } else { "views/counts_compacted" };
    if name == "views/counts" {
        fill(template(name)?, &[("above", &above_watermarks(view))])
    } else {
        fill(template(name)?, &[])
    }
}

fn incidents_view(changed: &[(String, String)]) -> Result<String> {
    let mut text = fill(template("views/incidents_stored")?, &[])?;
    if changed.is_empty() {
        return Ok(text);
    }
    let names: Vec<String> = changed.iter().map(|(name, _)| literal(name)).collect();
    text = format!("{text} WHERE resource NOT IN ({})", names.join(", "));
    for (name, sql_name) in changed {
        let part = fill(
            template("views/incidents_pending")?,
            &[("resource", &literal(name)), ("changed", &format!("pending.\"{sql_name}\""))],
        )?;
        text = format!("{text}\nUNION ALL\n{part}");
    }
    Ok(text)
}
