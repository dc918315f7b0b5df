//! `queries`: the queries that have names: which there are, their rows, and tests of a user's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lake_compact::CompactOptions;
use lake_ingest::{IngestOptions, LandingOptions, Source, ingest, ingest_boundaries};
use lake_model::{Catalog, CatalogEntry, Error, Kind, Result, ResultExt, read_regular_file};
use lake_portal::PortalOptions;
use lake_query::{Cells, Format, NamedQuery, Queries as Named, Reader, Session};
use lake_soda_sim::synthetic;
use lake_store::{Lake, Location};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::args::{Global, Queries, QueriesCommand};
use crate::output::Listing;
use crate::rows::{Destination, write_rows};
use crate::{context, output};

/// The rows of the lake that is made for a test if there is none, and their seed: the same everywhere.
const TEST_ROWS: usize = 5_000;
const TEST_SEED: u64 = 311;

pub(crate) async fn run(global: &Global, args: Queries) -> Result<u8> {
    match args.command {
        QueriesCommand::List { format } => list(&context::load_queries(global)?, format),
        QueriesCommand::Show { name } => {
            output::print(context::load_queries(global)?.get(&name)?.text())?;
            Ok(0)
        }
        QueriesCommand::Run { name, values, rows } => {
            let destination = Destination::new(&rows)?;
            let query = context::load_queries(global)?.get(&name)?;
            let values = query.values(values.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
            let catalog = context::load_catalog(global)?;
            let reader = context::create_reader(global, context::open_lake(global).await?, &catalog)?;
            let snapshot = reader.open_newest().await?;
            output::warn_of_inexact(&snapshot, global.quiet);
            let session = reader.sql_session(&snapshot).await?;
            let frame = query.prepare(&session).await?.bind(values)?;
            destination.write(frame, global.quiet).await?;
            Ok(0)
        }
        QueriesCommand::Test { directory, update } => Box::pin(test(global, directory, update)).await,
    }
}

fn list(queries: &Named, format: Listing) -> Result<u8> {
    let rows: Vec<Value> = queries
        .iter()
        .map(|query| match format {
            Listing::Json => json!({
                "name": query.name(), "title": query.title(), "about": query.about(), "file": query.file(),
                "parameters": query.parameters(), "columns": query.columns(),
            }),
            Listing::Table => {
                let names: Vec<&str> = query.parameters().iter().map(|parameter| parameter.name.as_str()).collect();
                json!({"name": query.name(), "title": query.title(), "parameters": names.join(", ")})
            }
        })
        .collect();
    output::print_rows(&rows, format)?;
    Ok(0)
}

async fn test(global: &Global, directory: Option<PathBuf>, update: bool) -> Result<u8> {
    let queries = match directory.as_ref().or(global.queries.as_ref()) {
        Some(directory) => Named::from_directory(directory)?,
        None if update => {
            return Err(Error::invalid("--update writes next to your own queries: name their directory"));
        }
        None => Named::built_in()?,
    };
    let catalog = context::load_catalog(global)?;
    // It goes when the test is over.
    let made = tempfile::tempdir().or_err(Kind::Unavailable, || "a directory for a small lake")?;
    let lake = match context::open_lake(global).await {
        Err(error) if error.kind() == Kind::NotFound => {
            output::note(&format!("There is no lake at {}: testing on a small one of synthetic rows.", global.lake));
            create_small_lake(global, &catalog, made.path()).await?
        }
        opened => opened?,
    };
    let reader = context::create_reader(global, lake, &catalog)?;
    let snapshot = reader.open_newest().await?;
    let session = reader.sql_session(&snapshot).await?;
    let (mut rows, mut wrong) = (Vec::new(), false);
    for query in queries.iter() {
        let (result, detail) = match test_query(query, &session, update).await {
            Ok(result) => (result, Value::Null),
            Err(error) if error.kind() == Kind::Invalid => {
                wrong = true;
                ("wrong", Value::from(error.to_string()))
            }
            Err(error) => return Err(error.context(query.file())),
        };
        rows.push(json!({"query": query.name(), "result": result, "detail": detail}));
    }
    output::print_rows(&rows, Listing::Table)?;
    Ok(u8::from(wrong))
}

/// Tests a query, and returns the result as a word.
///
/// # Errors
/// The error of the query, or the difference of its rows from the expected ones.
async fn test_query(query: &NamedQuery, session: &Session, update: bool) -> Result<&'static str> {
    query.check(session).await?;
    if query.parameters().iter().any(|parameter| parameter.required) {
        return Ok("planned, not run: a parameter has no default");
    }
    let frame = query.prepare(session).await?.bind(query.values([])?)?;
    let mut bytes = Vec::new();
    write_rows(frame, Format::Csv, Cells::default(), &mut bytes).await.map_err(|error| error.context(query.file()))?;
    let answered = String::from_utf8_lossy(&bytes);
    let path = Path::new(query.file()).with_extension("csv");
    if update {
        std::fs::write(&path, bytes.as_slice())
            .or_err(Kind::Invalid, || format!("{} cannot be written", path.display()))?;
        return Ok("written");
    }
    if !path.exists() {
        return Ok("ran; no rows are expected");
    }
    let expected = read_regular_file(&path)?;
    if expected == answered {
        Ok("the same")
    } else {
        Err(Error::invalid(find_difference(&path, &expected, &answered)))
    }
}

/// Returns the first line that is not as expected.
fn find_difference(path: &Path, expected: &str, answered: &str) -> String {
    let (mut left, mut right) = (expected.lines(), answered.lines());
    let mut line = 1;
    loop {
        let shown = |line: Option<&str>| line.map_or_else(|| "nothing more".to_owned(), |line| format!("`{line}`"));
        match (left.next(), right.next()) {
            (None, None) => return format!("{}: the ends of lines differ", path.display()),
            (expected, answered) if expected != answered => {
                return format!("{}:{line}: expected {}, not {}", path.display(), shown(expected), shown(answered));
            }
            _ => line += 1,
        }
    }
}

/// Creates a compacted lake of synthetic rows.
async fn create_small_lake(global: &Global, catalog: &Arc<Catalog>, directory: &Path) -> Result<Lake> {
    let portal = tokio::task::spawn_blocking(|| synthetic::san_francisco(TEST_ROWS, TEST_SEED))
        .await
        .or_err(Kind::Internal, || "making the rows of a small lake")?;
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let portal = portal.serve(loopback).await.or_err(Kind::Unavailable, || "starting the portal of a small lake")?;
    let options = IngestOptions {
        source: Source::Portal(PortalOptions { base_url: Some(portal.url()), ..PortalOptions::default() }),
        page_size: TEST_ROWS,
        max_pages: None,
        full: None,
        until: None,
        landing: LandingOptions { index_directory: directory.join("index"), synthetic: true },
    };
    let lake = Lake::create(Location::parse(&directory.join("lake").display().to_string())?).await?;
    for dataset in synthetic::DATASETS {
        ingest(&lake, &catalog.get(dataset.resource)?, &options, &CancellationToken::new(), |_| {}).await?;
    }
    for name in synthetic::BOUNDARIES.iter().flat_map(|dataset| dataset.resources) {
        if let (CatalogEntry::Boundaries(set), Some(options)) =
            (catalog.find_entry(name)?, super::ingest::boundaries_options(&options, false))
        {
            ingest_boundaries(&lake, &set, &options).await?;
        }
    }
    let reader: Arc<Reader> = context::create_reader(global, lake.clone(), catalog)?;
    for dataset in synthetic::DATASETS {
        super::compact::one(global, &reader, dataset.resource, CompactOptions::default(), |_| {}).await?;
    }
    portal.stop().await;
    Ok(lake)
}
