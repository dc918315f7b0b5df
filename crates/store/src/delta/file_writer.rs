//! Writing a Parquet data file: rows in, a durable object and its statistics out.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lake_model::{Kind, Result, ResultExt};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::AsyncArrowWriter;

use crate::delta::column_encodings::writer_properties;
use crate::delta::data_file::object_path;
use crate::delta::file_statistics::StatsCollector;
use crate::delta::uncommitted_file::UncommittedFile;
use crate::objects::checksummed_store::ChecksummedStore;
use crate::objects::checksums::{BlockChecksums, ChecksummingWriter, SharedBlockHasher};

/// A data file that is durable but in no version yet. Dropped without a commit that may name it, it is removed.
#[derive(Clone, Debug)]
pub struct WrittenFile {
    pub(crate) path: String,
    pub(crate) partition: HashMap<String, Option<String>>,
    pub(crate) size: u64,
    pub(crate) stats: String,
    pub(crate) sums: BlockChecksums,
    pub(crate) uncommitted: Arc<UncommittedFile>,
    /// Its rows.
    pub rows: u64,
}

impl WrittenFile {
    /// Returns its path under the table's folder.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the value of a partition column; `None` if it is null or there is no such column.
    pub fn partition_value(&self, column: &str) -> Option<&str> {
        self.partition.get(column)?.as_deref()
    }
}

/// Writes one Parquet file of a table's partition.
pub struct FileWriter {
    writer: AsyncArrowWriter<ChecksummingWriter>,
    stats: StatsCollector,
    sums: SharedBlockHasher,
    store: Arc<ChecksummedStore>,
    path: Path,
    name: String,
    partition: HashMap<String, Option<String>>,
    schema: SchemaRef,
    table: String,
}

impl std::fmt::Debug for FileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileWriter").field("name", &self.name).finish_non_exhaustive()
    }
}

fn partition_file_path(partition_columns: &[String], partition: &HashMap<String, Option<String>>) -> String {
    let mut name = String::new();
    for column in partition_columns {
        let value = partition.get(column).and_then(Option::as_deref).unwrap_or("__HIVE_DEFAULT_PARTITION__");
        // Names and years need no escaping, and a path without escapes is read alike by every reader.
        let plain: String =
            value.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
        name.push_str(&format!("{column}={plain}/"));
    }
    name.push_str(&format!("part-{}.parquet", uuid::Uuid::new_v4()));
    name
}

impl FileWriter {
    pub(crate) fn new(
        table: &str,
        store: Arc<ChecksummedStore>,
        folder: &Path,
        schema: SchemaRef,
        partition_columns: &[String],
        partition: HashMap<String, Option<String>>,
    ) -> Result<Self> {
        let name = partition_file_path(partition_columns, &partition);
        let path = object_path(folder, &name);
        let properties = writer_properties(&schema)?;
        let (sink, sums) = ChecksummingWriter::new(BufWriter::new(Arc::clone(&store) as _, path.clone()));
        let writer = AsyncArrowWriter::try_new(sink, Arc::clone(&schema), Some(properties))
            .or_err(Kind::Internal, || format!("table {table}: beginning a data file"))?;
        let stats = StatsCollector::default();
        Ok(Self { writer, stats, sums, store, path, name, partition, schema, table: table.to_owned() })
    }

    /// Returns the columns the file holds: the table's without the partition columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the number of rows written so far.
    pub fn rows(&self) -> usize {
        self.stats.rows()
    }

    /// Writes rows.
    ///
    /// # Errors
    /// If the store refuses them.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.stats.add(batch);
        let table = &self.table;
        self.writer.write(batch).await.or_err(Kind::Unavailable, || format!("table {table}: writing a data file"))
    }

    /// Finishes the file; it is durable when this returns.
    ///
    /// # Errors
    /// If the store refuses it.
    pub async fn finish(mut self) -> Result<WrittenFile> {
        let table = &self.table;
        // The file may exist although the store reported a failure.
        let uncommitted = UncommittedFile::new(Arc::clone(&self.store) as _, self.path.clone());
        self.writer.finish().await.or_err(Kind::Unavailable, || format!("table {table}: finishing a data file"))?;
        let (size, sums) = (self.writer.bytes_written() as u64, self.sums.finish());
        // It may be read before any version names it.
        self.store.register_file(&Arc::from(self.table.as_str()), self.path, size, Some(sums.clone()));
        Ok(WrittenFile {
            path: self.name,
            partition: self.partition,
            size,
            sums,
            uncommitted: Arc::new(uncommitted),
            rows: self.stats.rows() as u64,
            stats: self.stats.to_json(),
        })
    }
}
