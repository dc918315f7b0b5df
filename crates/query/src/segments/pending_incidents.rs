//! What batches above a watermark change in the incidents of a resource, as a segment: incidents that are stored and have
//! landed again count -1, current versions 1.

use std::sync::Arc;

use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use futures::TryStreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_segments::{Segment, SegmentBuilder, SharedDictionaries};

use crate::engine::Engine;
use crate::error::engine_error;
use crate::snapshot::changed_view::changed_view_sql;
use crate::snapshot::file_statistics::last_batch;
use crate::snapshot::lake_snapshot::LakeSnapshot;
use crate::sql::sql_files;
use crate::sql::templates::{fill, literal};

/// The pending batches of a resource in a snapshot.
#[derive(Clone, Debug)]
pub struct PendingIncidents {
    id: Arc<str>,
    engine: Engine,
    lake_snapshot: Arc<LakeSnapshot>,
    resource: String,
    rows: u64,
}

impl PendingIncidents {
    /// Returns the pending batches of a resource; `None` if it has none, or if they are not incidents yet because its
    /// definition is not known.
    pub fn new(engine: &Engine, lake_snapshot: &Arc<LakeSnapshot>, resource: &str) -> Option<Self> {
        let of_snapshot = lake_snapshot.resources.get(resource).filter(|resource| resource.is_pending())?;
        let definition = of_snapshot.resource.as_ref()?;
        // Files never change: their names and what is read of them tell every state apart.
        let (above, through) = (of_snapshot.watermark(), of_snapshot.through);
        let raw = of_snapshot.raw.files.iter().filter(|file| last_batch(file).is_none_or(|batch| batch > above));
        let rows = raw.clone().map(|file| file.rows.unwrap_or(u64::MAX)).fold(0, u64::saturating_add);
        let stored = lake_snapshot.incidents.files.iter();
        let stored = stored.filter(|file| file.partition_value("resource") == Some(resource));
        let files: Vec<&str> = raw.chain(stored).map(|file| file.path.as_str()).collect();
        let id = format!("{resource} {above} {through} {} {}", definition.fingerprint(), files.join(" "));
        let (engine, lake_snapshot) = (engine.clone(), Arc::clone(lake_snapshot));
        Some(Self { id: Arc::from(id), engine, lake_snapshot, resource: resource.to_owned(), rows })
    }

    /// Returns a text that no other pending batches have.
    pub(super) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Returns the number of landed rows, as the log has it.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Reads the changes.
    ///
    /// # Errors
    /// If the tables cannot be read.
    pub(super) async fn read_corrections(&self, dictionaries: Arc<SharedDictionaries>) -> Result<Segment> {
        let missing = || Error::internal(format!("{} is not in the snapshot", self.resource));
        let of_snapshot = self.lake_snapshot.resources.get(&self.resource).ok_or_else(missing)?;
        let definition = of_snapshot.resource.as_ref().ok_or_else(missing)?;
        let lake = &self.lake_snapshot.lake;
        let session = self.engine.session();
        let context = session.context();
        let catalog = context.catalog("lake").ok_or_else(missing)?;
        let tables = [
            ("stored", "incidents", self.lake_snapshot.provider(&lake.incidents, &self.lake_snapshot.incidents)?),
            ("raw", "landed", self.lake_snapshot.provider(&lake.raw(&self.resource)?, &of_snapshot.raw)?),
        ];
        for (schema, table, provider) in tables {
            let tables = Arc::new(MemorySchemaProvider::new());
            tables.register_table(table.to_owned(), provider).map_err(engine_error)?;
            catalog.register_schema(schema, tables).map_err(engine_error)?;
        }
        let changed = context.sql(&changed_view_sql(definition, of_snapshot, "raw.landed")?).await;
        context.register_table("changed", changed.map_err(engine_error)?.into_view()).map_err(engine_error)?;
        let values = [("resource", literal(&self.resource)), ("changed", "changed".to_owned())];
        let text = fill(sql_files::VIEWS_CORRECTIONS, &values.each_ref().map(|(name, value)| (*name, value.as_str())))?;
        let frame = context.sql(&text).await.map_err(engine_error)?;
        let mut batches = frame.execute_stream().await.map_err(engine_error)?;
        let mut builder = SegmentBuilder::with_points(dictionaries);
        while let Some(batch) = batches.try_next().await.map_err(engine_error)? {
            builder.add(&batch).or_err(Kind::Internal, || format!("pending incidents of {}", self.resource))?;
        }
        let what = || format!("pending incidents of {}", self.resource);
        let segment = tokio::task::spawn_blocking(move || builder.finish()).await.or_err(Kind::Internal, what)?;
        segment.or_err(Kind::Internal, what)
    }
}
