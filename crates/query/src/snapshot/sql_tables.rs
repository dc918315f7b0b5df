//! A snapshot in SQL: its tables in the schemas `stored` and `raw`, and the views `incidents`, `counts`, `rejects` and
//! `boundaries` over them.

use std::sync::Arc;

use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use lake_model::{Error, Result};

use crate::engine::{Engine, Session};
use crate::error::engine_error;
use crate::snapshot::boundaries;
use crate::snapshot::changed_view::changed_view_sql;
use crate::snapshot::lake_snapshot::LakeSnapshot;
use crate::snapshot::reader::Reader;
use crate::snapshot::resource_snapshot::ResourceSnapshot;
use crate::snapshot::signed_counts::{CountsFilter, scan_counts};
use crate::sql::sql_files;
use crate::sql::templates::{fill, literal};

impl Reader {
    /// Creates a session over a snapshot: `incidents` and `counts` as they are now, `rejects`, `boundaries`,
    /// `stored.*`, `raw.*`.
    ///
    /// # Errors
    /// If a view cannot be planned.
    pub async fn session(&self, lake_snapshot: &LakeSnapshot) -> Result<Session> {
        self.session_on(&self.engine, lake_snapshot).await
    }

    /// Creates the same session on an engine for one request: see [`Engine::with_limits`].
    ///
    /// # Errors
    /// If a view cannot be planned.
    pub async fn session_on(&self, engine: &Engine, lake_snapshot: &LakeSnapshot) -> Result<Session> {
        let session = engine.session();
        register_tables(&session, lake_snapshot).await?;
        Ok(session)
    }
}

async fn register_tables(session: &Session, lake_snapshot: &LakeSnapshot) -> Result<()> {
    let context = session.context();
    let catalog = context.catalog("lake").ok_or_else(|| Error::internal("the session has no catalog"))?;
    let schema = |name: &str| -> Result<Arc<dyn SchemaProvider>> {
        let schema: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        catalog.register_schema(name, Arc::clone(&schema)).map_err(engine_error)?;
        Ok(schema)
    };
    let (stored, raw, pending) = (schema("stored")?, schema("raw")?, schema("pending")?);
    let lake = &lake_snapshot.lake;
    for (table, snapshot) in [
        (&lake.fast_counts, &lake_snapshot.fast_counts),
        (&lake.counts, &lake_snapshot.counts),
        (&lake.incidents, &lake_snapshot.incidents),
        (&lake.rejects, &lake_snapshot.rejects),
    ] {
        let provider = lake_snapshot.provider(table, snapshot)?;
        stored.register_table(table.name().to_owned(), provider).map_err(engine_error)?;
    }
    let boundaries = boundaries::boundaries_provider(lake_snapshot)?;
    stored.register_table(lake.boundaries.name().to_owned(), boundaries).map_err(engine_error)?;
    let mut changed = Vec::new();
    for (name, resource) in &lake_snapshot.resources {
        let table = lake.raw(name)?;
        let provider = lake_snapshot.provider(&table, &resource.raw)?;
        let sql_name = name.replace('-', "_");
        raw.register_table(sql_name.clone(), provider).map_err(engine_error)?;
        if let (true, Some(definition)) = (resource.is_pending(), &resource.resource) {
            let text = changed_view_sql(definition, resource, &format!("raw.\"{sql_name}\""))?;
            let frame = context.sql(&text).await.map_err(engine_error)?;
            pending.register_table(sql_name.clone(), frame.into_view()).map_err(engine_error)?;
            changed.push((name.clone(), sql_name));
        }
    }
    let signed_counts = scan_counts(session, lake_snapshot, CountsFilter::default(), |_| true)?;
    if lake_snapshot.resources.values().any(ResourceSnapshot::is_pending) {
        // No resource has a name with a space.
        pending.register_table("signed counts".to_owned(), signed_counts.into_view()).map_err(engine_error)?;
        let counts = context.sql(&fill(sql_files::VIEWS_COUNTS, &[])?).await.map_err(engine_error)?;
        context.register_table("counts", counts.into_view()).map_err(engine_error)?;
    } else {
        context.register_table("counts", signed_counts.into_view()).map_err(engine_error)?;
    }
    let views = [
        ("rejects", sql_files::VIEWS_REJECTS.to_owned()),
        ("boundaries", sql_files::VIEWS_BOUNDARIES.to_owned()),
        ("incidents", incidents_view_sql(&changed)?),
    ];
    for (name, text) in views {
        let frame = context.sql(&text).await.map_err(engine_error)?;
        context.register_table(name, frame.into_view()).map_err(engine_error)?;
    }
    // Tables that only the views need are hidden from users.
    catalog.deregister_schema("pending", true).map_err(engine_error)?;
    Ok(())
}

fn incidents_view_sql(changed: &[(String, String)]) -> Result<String> {
    let mut text = fill(sql_files::VIEWS_INCIDENTS_STORED, &[])?;
    if changed.is_empty() {
        return Ok(text);
    }
    let names: Vec<String> = changed.iter().map(|(name, _)| literal(name)).collect();
    text = format!("{text} WHERE resource NOT IN ({})", names.join(", "));
    for (name, sql_name) in changed {
        let part = fill(
            sql_files::VIEWS_INCIDENTS_PENDING,
            &[("resource", &literal(name)), ("changed", &format!("pending.\"{sql_name}\""))],
        )?;
        text = format!("{text}\nUNION ALL\n{part}");
    }
    Ok(text)
}
