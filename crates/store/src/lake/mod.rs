//! The lake: a place, its definition, its tables.

pub(crate) mod definition;
pub(crate) mod landed_resources;
pub(crate) mod last_audits;
pub(crate) mod location;
mod store_clock;
mod store_probe;
pub(crate) mod table_layouts;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt as _;
use lake_model::{Error, FINEST_RESOLUTION, Kind, Resource, Result, ResultExt, failpoint};
use object_store::{ObjectStoreExt as _, PutMode, PutOptions};
use parking_lot::Mutex;

use crate::lake::definition::{DEFINITION_FILE, LAKE_FORMAT, LakeDefinition};
use crate::lake::store_probe::verify_conditional_put;
use crate::lake::table_layouts::{counts_layout, fast_counts_layout, incidents_layout, raw_layout, rejects_layout};
use crate::{Location, Snapshot, Table};

/// An open lake.
#[derive(Clone, Debug)]
pub struct Lake {
    location: Location,
    definition: Arc<LakeDefinition>,
    /// One row a key, current.
    pub incidents: Table,
    /// The compacted counts.
    pub counts: Table,
    /// The signed counts of each batch.
    pub fast_counts: Table,
    /// Rows that could not be used.
    pub rejects: Table,
    /// Outlines of neighborhoods and districts. It is made when the first of them land: a lake may be without.
    pub boundaries: Table,
    /// The raw tables that were asked for, by resource: what each has read of its log is shared.
    raws: Arc<Mutex<BTreeMap<String, Table>>>,
}

impl Lake {
    /// Opens the lake to write into it, and makes it if there is none.
    ///
    /// # Errors
    /// If the store does not answer, would lose commits, or holds a lake of another format.
    pub async fn create(location: Location) -> Result<Self> {
        let path = location.path(DEFINITION_FILE);
        let found = location.store.head(&path).await;
        let absent = matches!(found, Err(object_store::Error::NotFound { .. }));
        if absent {
            refuse_tables_without_definition(&location).await?;
        }
        // A disk does not change its behaviour after the lake was made; the service behind a bucket may.
        if absent || location.directory.is_none() {
            verify_conditional_put(&location).await?;
        }
        let text =
            serde_json::to_vec_pretty(&LakeDefinition::new()).or_err(Kind::Internal, || "the lake's definition")?;
        let options = PutOptions { mode: PutMode::Create, ..Default::default() };
        match location.store.put_opts(&path, text.into(), options).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(error).or_err(Kind::Unavailable, || format!("making a lake in {location}")),
        }
        failpoint("store:after-definition");
        let lake = Self::open(location).await?;
        // Rows land after all of these were made. One that is lost must not be made again: it would lack what it held.
        let has_landed_rows = !lake.list_landed_resources().await?.is_empty();
        for (table, layout) in [
            (&lake.incidents, incidents_layout()),
            (&lake.counts, counts_layout()),
            (&lake.fast_counts, fast_counts_layout()),
            (&lake.rejects, rejects_layout()),
        ] {
            if has_landed_rows && !table.exists().await? {
                return Err(lake.lost_table_error(table.name()));
            }
            table.create_or_extend(&layout).await?;
        }
        Ok(lake)
    }

    /// Refuses a lake that has counted rows of resources without a raw table: those were lost.
    ///
    /// # Errors
    /// If a resource of the counts is not among the `landed` ones.
    pub fn require_raw_tables(&self, counts: &[Arc<Snapshot>], landed: &[&str]) -> Result<()> {
        match counted_resources(counts).find(|name| !landed.contains(name)) {
            Some(name) => Err(self.lost_table_error(&format!("raw/{name}"))),
            None => Ok(()),
        }
    }

    fn lost_table_error(&self, name: &str) -> Error {
        let text = format!(
            "table {name} is missing in {}, where rows have landed; restore it from a copy of the lake",
            self.location
        );
        Error::new(Kind::Data, text)
    }

    /// Returns the newest state of a table that every lake has.
    ///
    /// # Errors
    /// If the store does not answer, the log is damaged, or the table is lost or was not made yet.
    pub async fn snapshot_of(&self, table: &Table) -> Result<Arc<Snapshot>> {
        match table.snapshot().await {
            Err(error) if error.kind() == Kind::NotFound => match self.list_landed_resources().await?.is_empty() {
                false => Err(self.lost_table_error(table.name())),
                true => Err(Error::not_found(format!(
                    "table {} in {} does not exist yet: the run that makes the lake was stopped, and nothing has landed; \
                     `hotspots-lake ingest` completes it",
                    table.name(),
                    self.location
                ))),
            },
            snapshot => snapshot,
        }
    }

    /// Opens a lake that is there to write into it.
    ///
    /// # Errors
    /// If there is none, it is of a newer format, or the store would lose commits.
    pub async fn open_to_write(location: Location) -> Result<Self> {
        let lake = Self::open(location).await?;
        if lake.location.directory.is_none() {
            verify_conditional_put(&lake.location).await?;
        }
        Ok(lake)
    }

    /// Opens the lake to read it.
    ///
    /// # Errors
    /// If there is none, or it is of a newer format.
    pub async fn open(location: Location) -> Result<Self> {
        let path = location.path(DEFINITION_FILE);
        let found = match location.store.get(&path).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => {
                refuse_tables_without_definition(&location).await?;
                return Err(Error::not_found(format!(
                    "there is no lake in {location}; `hotspots-lake ingest --lake {location}` makes one, or name another with --lake"
                )));
            }
            Err(error) => return Err(error).or_err(Kind::Unavailable, || format!("opening the lake in {location}")),
        };
        let bytes =
            found.bytes().await.or_err(Kind::Unavailable, || format!("reading {DEFINITION_FILE} in {location}"))?;
        let damaged = || format!("{DEFINITION_FILE} in {location} is not what was written; restore it from a copy");
        let definition: LakeDefinition = serde_json::from_slice(&bytes).or_err(Kind::Data, damaged)?;
        if !definition.is_intact() {
            return Err(Error::new(Kind::Data, damaged()));
        }
        if definition.format > LAKE_FORMAT {
            return Err(Error::invalid(format!(
                "the lake in {location} has format {}, this program reads up to {LAKE_FORMAT}; use a newer one",
                definition.format
            )));
        }
        if definition.finest_resolution != FINEST_RESOLUTION {
            return Err(Error::invalid(format!(
                "the lake in {location} was made with H3 resolution {}, this program writes {FINEST_RESOLUTION}",
                definition.finest_resolution
            )));
        }
        let table = |name: &str| Table::new(&location, name);
        Ok(Self {
            incidents: table("incidents")?,
            counts: table("counts")?,
            fast_counts: table("fast_counts")?,
            rejects: table("rejects")?,
            boundaries: table("boundaries")?,
            raws: Arc::default(),
            definition: Arc::new(definition),
            location,
        })
    }

    /// Returns where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Returns its id, fixed when it was made.
    pub fn id(&self) -> &str {
        &self.definition.id
    }

    /// Returns every table that has been made, the raw tables after the others.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list_tables(&self) -> Result<Vec<Table>> {
        let mut tables = Vec::new();
        for table in [&self.incidents, &self.counts, &self.fast_counts, &self.rejects, &self.boundaries] {
            if table.exists().await? {
                tables.push(table.clone());
            }
        }
        for name in self.list_landed_resources().await? {
            tables.push(self.raw(&name)?);
        }
        Ok(tables)
    }

    /// Returns the raw table of a resource, which may not have been made yet.
    ///
    /// # Errors
    /// If its name makes no URL.
    pub fn raw(&self, resource: &str) -> Result<Table> {
        let mut raws = self.raws.lock();
        if let Some(table) = raws.get(resource) {
            return Ok(table.clone());
        }
        let table = Table::new(&self.location, &format!("raw/{resource}"))?;
        Ok(raws.entry(resource.to_owned()).or_insert(table).clone())
    }

    /// Returns the raw table of a resource, made if it is not there.
    ///
    /// # Errors
    /// If the store does not answer, or a column has changed its type.
    pub async fn ensure_raw_table(&self, resource: &Resource) -> Result<Table> {
        let table = self.raw(&resource.name)?;
        if !table.exists().await? {
            let snapshots = [self.fast_counts.snapshot().await?, self.counts.snapshot().await?];
            let is_counted = counted_resources(&snapshots).any(|name| name == resource.name);
            // Another process may have made it, and counted rows, since it was looked for.
            if is_counted && !table.exists().await? {
                return Err(self.lost_table_error(&format!("raw/{}", resource.name)));
            }
        }
        table.create_or_extend(&raw_layout(resource)).await.map_err(|e| e.context(&resource.name))?;
        Ok(table)
    }
}

/// Returns the resources of the files of these tables of counts, each as often as it has files.
fn counted_resources(counts: &[Arc<Snapshot>]) -> impl Iterator<Item = &str> {
    counts.iter().flat_map(|snapshot| snapshot.files.iter()).filter_map(|file| file.partition_value("resource"))
}

/// Tables without the lake's definition: it was lost, and another must not take its place.
async fn refuse_tables_without_definition(location: &Location) -> Result<()> {
    let log = location.path("counts/_delta_log");
    let mut names = location.store.list(Some(&log));
    match names.next().await {
        Some(Ok(_)) => Err(Error::new(
            Kind::Data,
            format!(
                "{DEFINITION_FILE} is missing in {location}, where tables are; restore it from a copy, or write it again: \
                 {{\"format\": {LAKE_FORMAT}, \"id\": \"a UUID of your own\", \"finest_resolution\": {FINEST_RESOLUTION}}}"
            ),
        )),
        Some(Err(error)) => Err(error).or_err(Kind::Unavailable, || format!("looking for a lake in {location}")),
        None => Ok(()),
    }
}
