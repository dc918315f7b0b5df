//! One version of a table: its schema and the files that make it up.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake_core::table::state::DeltaTableState;
use lake_model::{Error, Kind, Result, ResultExt};

use crate::delta::data_file::DataFile;
use crate::delta::file_statistics::LoggedStats;
use crate::delta::file_writer::WrittenFile;

/// One version of a table.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The version.
    pub version: u64,
    /// The columns, partition columns at the end.
    pub schema: SchemaRef,
    /// The partition columns.
    pub partition_columns: Vec<String>,
    /// The files, in path order.
    pub files: Arc<Vec<DataFile>>,
    /// The id the table was made with.
    pub table_id: String,
    pub(crate) state: DeltaTableState,
    pub(crate) committed_ms: Option<i64>,
}

impl Snapshot {
    pub(crate) fn new(table: &str, state: DeltaTableState) -> Result<Self> {
        refuse_unknown_features(table, &state)?;
        let schema = state.snapshot().arrow_schema();
        let mut files = Vec::new();
        for view in state.log_data().iter() {
            let stats = view.stats();
            let stats = match &stats {
                Some(text) => LoggedStats::parse(text)
                    .or_err(Kind::Data, || format!("table {table}: the statistics of {}", view.path()))?,
                None => LoggedStats::default(),
            };
            let mut ranges = BTreeMap::new();
            let mut nulls = BTreeMap::new();
            for field in schema.fields() {
                let name = field.name();
                if let Some(range) = stats.range(name, field.data_type()) {
                    ranges.insert(name.clone(), range);
                }
                if let Some(count) = stats.nulls(name) {
                    nulls.insert(name.clone(), count);
                }
            }
            files.push(DataFile {
                path: view.object_store_path().to_string(),
                size: u64::try_from(view.size()).or_err(Kind::Data, || format!("table {table}: a file's size"))?,
                partition: view.partition_values_map(),
                rows: stats.rows(),
                ranges,
                nulls,
            });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let metadata =
            serde_json::to_value(state.metadata()).or_err(Kind::Data, || format!("table {table}: metadata"))?;
        let partition_columns = metadata["partitionColumns"].as_array().cloned().unwrap_or_default();
        Ok(Self {
            version: state.version(),
            schema,
            partition_columns: partition_columns.iter().filter_map(|c| Some(c.as_str()?.to_owned())).collect(),
            files: Arc::new(files),
            table_id: metadata["id"].as_str().unwrap_or_default().to_owned(),
            committed_ms: state.version_timestamp(state.version()),
            state,
        })
    }

    /// Returns the rows of all files, from the log.
    pub fn rows(&self) -> u64 {
        self.files.iter().filter_map(|f| f.rows).sum()
    }

    /// Returns the bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|f| f.size).sum()
    }

    /// Returns when the version was committed, milliseconds since 1970 UTC; `None` if its commit file no longer exists.
    pub fn committed_ms(&self) -> Option<i64> {
        self.committed_ms
    }

    /// Returns the same table made of files that are written but in no version yet.
    #[must_use]
    pub fn with_written_files(&self, written: &[WrittenFile]) -> Self {
        let files = written.iter().map(|file| DataFile {
            path: file.path.clone(),
            size: file.size,
            partition: file.partition.clone(),
            rows: Some(file.rows),
            ranges: BTreeMap::new(),
            nulls: BTreeMap::new(),
        });
        self.with_files(files.collect())
    }

    /// Returns the same table made of other files.
    #[must_use]
    pub fn with_files(&self, files: Vec<DataFile>) -> Self {
        Self { files: Arc::new(files), ..self.clone() }
    }
}

/// Rejects a table with features that are not known here: reading Parquet files directly is right only if no feature
/// changes the meaning of a file.
fn refuse_unknown_features(table: &str, state: &DeltaTableState) -> Result<()> {
    let protocol = serde_json::to_value(state.protocol()).or_err(Kind::Data, || format!("table {table}: protocol"))?;
    let features = protocol["readerFeatures"].as_array().cloned().unwrap_or_default();
    match features.iter().find(|f| f.as_str() != Some("timestampNtz")) {
        None => Ok(()),
        Some(feature) => Err(Error::new(
            Kind::Invalid,
            format!(
                "table {table} uses the Delta feature {feature}, which this program does not read; use a newer one"
            ),
        )),
    }
}
