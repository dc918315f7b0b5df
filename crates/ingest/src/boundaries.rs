//! Boundaries: a set that was read completely replaces the stored one, in one commit, and only if it differs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::SecondsFormat;
use lake_model::{Boundaries, Error, Kind, Result, ResultExt};
use lake_portal::{Boundary, PortalOptions, SodaClient, read_boundaries_file};
use lake_query::{definition_change, store_definition, stored_definition};
use lake_store::{
    BoundariesMark, Commit, DataFile, Lake, Snapshot, WrittenFile, boundaries_definition_domain, boundaries_layout,
};
use serde_json::json;

/// The most rows of a page: outlines are large.
const MAX_ROWS_PER_PAGE: usize = 1_000;
/// Times that a set is landed again because another writer was first.
const MAX_TRIES: u32 = 5;

/// Where boundaries come from.
#[derive(Clone, Debug)]
pub enum BoundariesSource {
    /// The portal of the set.
    Portal(PortalOptions),
    /// A saved file.
    File(PathBuf),
}

/// How to land boundaries.
#[derive(Clone, Debug)]
pub struct BoundariesOptions {
    /// Where they come from.
    pub source: BoundariesSource,
    /// Rows a page.
    pub page_size: usize,
    /// Land them even if they equal what is stored: their files are written again.
    pub rewrite: bool,
    /// Whether they are synthetic. A set in a lake is one or the other.
    pub synthetic: bool,
}

/// The result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundariesReport {
    /// Boundaries read.
    pub read: u64,
    /// Whether they landed, because they differ from those that were stored.
    pub landed: bool,
}

/// Reads a complete set of boundaries and, if it differs from the stored one, replaces that.
///
/// # Errors
/// If the portal or the store does not answer, a boundary is invalid, there is none, or synthetic and real ones would
/// mix: the stored set stays.
pub async fn ingest_boundaries(
    lake: &Lake,
    set: &Arc<Boundaries>,
    options: &BoundariesOptions,
) -> Result<BoundariesReport> {
    let run = async {
        let boundaries = read_boundaries(set, options).await?;
        let mut tries_left = MAX_TRIES;
        loop {
            tries_left -= 1;
            match land_boundaries(lake, set, &boundaries, options).await {
                // The other writer may have landed just these.
                Err(error) if error.kind() == Kind::Conflict && tries_left > 0 => {
                    tracing::info!(set = set.name, %error, "another writer was first, looking again");
                }
                done => {
                    return Ok(BoundariesReport { read: boundaries.len() as u64, landed: done? });
                }
            }
        }
    };
    run.await.map_err(|error: Error| error.context(&set.name))
}

async fn read_boundaries(set: &Arc<Boundaries>, options: &BoundariesOptions) -> Result<Vec<Boundary>> {
    match &options.source {
        BoundariesSource::Portal(portal) => {
            let soda = SodaClient::new(&set.name, &set.portal, &set.dataset, portal.clone())?;
            soda.fetch_boundaries(set, options.page_size.clamp(1, MAX_ROWS_PER_PAGE)).await
        }
        BoundariesSource::File(path) => {
            let (set, path) = (Arc::clone(set), path.clone());
            let read = tokio::task::spawn_blocking(move || read_boundaries_file(&set, &path));
            read.await.or_err(Kind::Internal, || "reading a file of boundaries")?
        }
    }
}

/// Lands the boundaries, unless they are stored already; returns whether it did.
async fn land_boundaries(
    lake: &Lake,
    set: &Boundaries,
    boundaries: &[Boundary],
    options: &BoundariesOptions,
) -> Result<bool> {
    let table = &lake.boundaries;
    table.create_or_extend(&boundaries_layout()).await?;
    let snapshot = table.snapshot().await?;
    let seen = table.read_domain(&snapshot, &BoundariesMark::domain(&set.name)).await?;
    let stored_mark = seen.as_ref().map(|text| BoundariesMark::parse(&set.name, text)).transpose()?;
    let checksum = content_checksum(set, boundaries)?;
    if let Some(stored_mark) = stored_mark {
        if stored_mark.synthetic != options.synthetic {
            let (there, new) = if stored_mark.synthetic { ("synthetic", "real") } else { ("real", "synthetic") };
            return Err(Error::invalid(format!(
                "the lake holds {there} boundaries of it, and {new} ones do not replace them; use another lake"
            )));
        }
        if stored_mark.blake3 == checksum && !options.rewrite {
            // The purpose of the set may have changed nevertheless.
            store_definition(table, &set.definition, &boundaries_definition_domain(&set.name)).await?;
            return Ok(false);
        }
    }
    let now = lake_model::now();
    let mark = BoundariesMark {
        blake3: checksum,
        boundaries: boundaries.len() as u64,
        synthetic: options.synthetic,
        landed_at: now.to_rfc3339_opts(SecondsFormat::Millis, true),
    };
    let mut domains = vec![mark.to_change(&set.name, Some(seen))?];
    let domain = boundaries_definition_domain(&set.name);
    let stored = stored_definition(table, &snapshot, &domain).await?;
    domains.extend(definition_change(&set.definition, stored.as_ref(), &domain)?.map(|(_, change)| change));
    let written = write_boundaries(lake, &snapshot, set, boundaries, now.timestamp_micros()).await?;
    let own = |file: &&DataFile| file.partition_value("resource") == Some(&set.name);
    let commit = Commit {
        operation: "LAND",
        removes: snapshot.files.iter().filter(own).cloned().collect(),
        replaces: vec![set_partition(set)],
        adds: vec![written],
        domains,
        info: HashMap::from([("resource".to_owned(), json!(set.name))]),
        ..Commit::default()
    };
    table.commit(&commit).await?;
    Ok(true)
}

fn set_partition(set: &Boundaries) -> HashMap<String, Option<String>> {
    HashMap::from([("resource".to_owned(), Some(set.name.clone()))])
}

/// Returns the checksum of the columns that are stored of a set. The bytes of its file may differ.
fn content_checksum(set: &Boundaries, boundaries: &[Boundary]) -> Result<String> {
    let rows: Vec<[&str; 3]> = boundaries.iter().map(|b| [&*b.label, &*b.name, &*b.geometry]).collect();
    let content = serde_json::to_vec(&(&set.city, set.dimension.name(), rows)).or_err(Kind::Internal, || "a sum")?;
    Ok(blake3::hash(&content).to_hex().to_string())
}

async fn write_boundaries(
    lake: &Lake,
    snapshot: &Snapshot,
    set: &Boundaries,
    boundaries: &[Boundary],
    now_micros: i64,
) -> Result<WrittenFile> {
    let texts = |of: fn(&Boundary) -> &str| -> ArrayRef {
        Arc::new(boundaries.iter().map(|boundary| Some(of(boundary))).collect::<StringArray>())
    };
    let same = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; boundaries.len()])) };
    let degrees =
        |of: fn(&Boundary) -> f64| -> ArrayRef { Arc::new(boundaries.iter().map(of).collect::<Float64Array>()) };
    let columns: HashMap<&str, ArrayRef> = HashMap::from([
        ("city", same(&set.city)),
        ("dimension", same(set.dimension.name())),
        ("label", texts(|boundary| &boundary.label)),
        ("name", texts(|boundary| &boundary.name)),
        ("geometry", texts(|boundary| &boundary.geometry)),
        ("west", degrees(|boundary| boundary.west)),
        ("south", degrees(|boundary| boundary.south)),
        ("east", degrees(|boundary| boundary.east)),
        ("north", degrees(|boundary| boundary.north)),
        ("_landed_at", Arc::new(TimestampMicrosecondArray::from(vec![now_micros; boundaries.len()])) as ArrayRef),
    ]);
    let mut writer = lake.boundaries.writer(snapshot, set_partition(set))?;
    let schema = Arc::clone(writer.schema());
    let fitted = schema.fields().iter().map(|field| {
        let lost = || Error::internal(format!("boundaries lack `{}`", field.name()));
        columns.get(field.name().as_str()).cloned().ok_or_else(lost)
    });
    let batch = RecordBatch::try_new(schema.clone(), fitted.collect::<Result<_>>()?);
    writer.write(&batch.or_err(Kind::Internal, || "the rows of boundaries")?).await?;
    writer.finish().await
}
