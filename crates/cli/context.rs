//! Functions that the commands share: the catalog, the lake, the engine.

use std::path::PathBuf;
use std::sync::Arc;

use lake_ingest::LandingOptions;
use lake_model::{Catalog, CatalogEntry, Error, Kind, Result, parse_portal_url};
use lake_portal::PortalOptions;
use lake_query::{Engine, EngineOptions, Queries, Reader, SegmentCache};
use lake_store::{Lake, Location};

use crate::args::{Global, Portal};

/// Returns the configured definitions: those the program comes with, and the user's own files.
pub(crate) fn load_catalog(global: &Global) -> Result<Arc<Catalog>> {
    let mut catalog = Catalog::built_in()?;
    if let Some(directory) = &global.resources {
        catalog.add_directory(directory)?;
    }
    Ok(Arc::new(catalog))
}

/// Returns the effective definitions: the configured ones, and those of the lake if it exists.
pub(crate) async fn load_effective_catalog(global: &Global) -> Result<Arc<Catalog>> {
    let given = load_catalog(global)?;
    match open_lake(global).await {
        Ok(lake) => create_reader(global, lake, &given)?.catalog().await,
        Err(error) if error.kind() == Kind::NotFound => Ok(given),
        Err(error) => Err(error),
    }
}

/// Returns the named resources and boundaries, or all: the boundaries last, as incidents matter more.
pub(crate) fn select_entries(catalog: &Catalog, names: &[String]) -> Result<Vec<CatalogEntry>> {
    if names.is_empty() {
        let boundaries = catalog.boundaries().cloned().map(CatalogEntry::Boundaries);
        return Ok(catalog.iter().cloned().map(CatalogEntry::Incidents).chain(boundaries).collect());
    }
    names.iter().map(|name| catalog.find_entry(name)).collect()
}

/// Returns the queries the program comes with, and the user's own.
pub(crate) fn load_queries(global: &Global) -> Result<Queries> {
    let built_in = Queries::built_in()?;
    match &global.queries {
        Some(directory) => Ok(built_in.with_overrides(&Queries::from_directory(directory)?)),
        None => Ok(built_in),
    }
}

pub(crate) fn create_reader(global: &Global, lake: Lake, catalog: &Arc<Catalog>) -> Result<Arc<Reader>> {
    Ok(Arc::new(create_plain_reader(global, lake, catalog)?))
}

fn create_plain_reader(global: &Global, lake: Lake, catalog: &Arc<Catalog>) -> Result<Reader> {
    let options = EngineOptions { memory_bytes: global.memory_mib.max(64) << 20, ..EngineOptions::default() };
    let engine = Engine::new(options, lake.location())?;
    Ok(Reader::new(lake, engine, Arc::clone(catalog)))
}

/// Returns the reader of a server, which keeps decoded counts.
pub(crate) fn create_caching_reader(
    global: &Global,
    lake: Lake,
    catalog: &Arc<Catalog>,
    cache_mib: u64,
) -> Result<Arc<Reader>> {
    let reader = create_plain_reader(global, lake, catalog)?;
    if cache_mib == 0 {
        return Ok(Arc::new(reader));
    }
    let cache = SegmentCache::new(Arc::clone(&reader.lake().location().store), cache_mib << 20)?;
    Ok(Arc::new(reader.with_segments(cache)))
}

/// Returns the named queries, after checking the user's own over the lake: an invalid one is reported at the start
/// rather than to the first client that requests it.
pub(crate) async fn load_checked_queries(global: &Global, reader: &Reader) -> Result<Queries> {
    if let Some(directory) = &global.queries {
        let view = reader.open_newest().await?;
        let session = reader.sql_session(&view).await?;
        Queries::from_directory(directory)?.check(&session).await?;
    }
    load_queries(global)
}

/// Returns the location of the lake.
fn parse_location(global: &Global) -> Result<Location> {
    Ok(Location::parse(&global.lake)?.with_block_cache(global.block_cache_mib << 20))
}

pub(crate) async fn open_lake(global: &Global) -> Result<Lake> {
    Lake::open(parse_location(global)?).await
}

pub(crate) async fn open_lake_to_write(global: &Global) -> Result<Lake> {
    Lake::open_to_write(parse_location(global)?).await
}

pub(crate) async fn create_lake(global: &Global) -> Result<Lake> {
    Lake::create(parse_location(global)?).await
}

/// Returns the options of landing. The key indexes are in a local lake under `.index`, else in the user's cache, by the
/// lake's id.
pub(crate) fn landing_options(global: &Global, lake: &Lake, synthetic: bool) -> Result<LandingOptions> {
    let index_directory = match (&global.index, &lake.location().directory) {
        (Some(directory), _) => directory.join(lake.id()),
        (None, Some(directory)) => directory.join(".index"),
        (None, None) => find_user_cache()?.join("hotspots-lake").join("index").join(lake.id()),
    };
    Ok(LandingOptions { index_directory, synthetic })
}

fn find_user_cache() -> Result<PathBuf> {
    let from_env = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from_env("XDG_CACHE_HOME").or_else(|| Some(from_env("HOME")?.join(".cache"))).ok_or_else(|| {
        Error::new(
            Kind::Invalid,
            "neither HOME nor XDG_CACHE_HOME is set; name a directory for the key indexes with --index",
        )
    })
}

/// Returns the options for portals.
///
/// # Errors
/// If `--portal` is not an address, or holds a password.
pub(crate) fn portal_options(portal: &Portal) -> Result<PortalOptions> {
    if let Some(base) = &portal.portal {
        parse_portal_url(base).map_err(|what| Error::invalid(format!("--portal: {what}")))?;
    }
    Ok(PortalOptions {
        token: portal.app_token.clone().filter(|token| !token.is_empty()),
        base_url: portal.portal.clone(),
        retries: portal.retries.into(),
        first_wait_ms: portal.retry_wait_ms.max(1),
        budget_ms: portal.retry_budget_ms,
    })
}
