//! Rows that wait on disk, in the engine's directory for them and within its limit.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _, SeekFrom, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use datafusion::execution::disk_manager::DiskManager;
use datafusion::execution::spill_file::{SpillFile, SpillWriter};
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::engine_error;

const FAILED: &str = "rows that wait on disk";

/// A file that rows are written into, batch after batch.
pub(crate) struct SpillTarget {
    file: Arc<dyn SpillFile>,
    writer: BufWriter<CountingWriter>,
}

/// A writer that knows how much it has written.
struct CountingWriter {
    inner: Box<dyn SpillWriter>,
    written: u64,
}

impl Write for CountingWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// A batch on disk. The file is removed when the last of its batches is dropped.
pub(crate) struct SpilledBatch {
    file: Arc<dyn SpillFile>,
    offset: u64,
    /// Its rows.
    pub(crate) rows: usize,
}

impl SpillTarget {
    /// Makes a file.
    ///
    /// # Errors
    /// If the engine may not spill, or the disk refuses it.
    pub(crate) fn create(disk: &Arc<DiskManager>) -> Result<Self> {
        let file = disk.create_tmp_file("compaction").map_err(engine_error)?;
        let inner = file.open_writer().map_err(engine_error)?;
        Ok(Self { file, writer: BufWriter::with_capacity(1 << 18, CountingWriter { inner, written: 0 }) })
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// If the disk refuses it.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<SpilledBatch> {
        self.writer.flush().map_err(spill_error)?;
        let offset = self.writer.get_ref().written;
        let mut writer = StreamWriter::try_new(&mut self.writer, &batch.schema()).or_err(Kind::Internal, || FAILED)?;
        writer.write(batch).and_then(|()| writer.finish()).map_err(|error| engine_error(error.into()))?;
        Ok(SpilledBatch { file: Arc::clone(&self.file), offset, rows: batch.num_rows() })
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If the disk refuses it.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(spill_error)?;
        self.writer.get_mut().inner.finish().map_err(engine_error)
    }
}

impl SpilledBatch {
    /// Reads the batch.
    ///
    /// # Errors
    /// If the file is gone or damaged.
    pub(crate) fn read(&self) -> Result<RecordBatch> {
        let path = self.file.path().ok_or_else(|| Error::internal("rows were spilled to no local file"))?;
        let mut file = File::open(path).or_err(Kind::Unavailable, || FAILED)?;
        file.seek(SeekFrom::Start(self.offset)).or_err(Kind::Unavailable, || FAILED)?;
        let mut batches = StreamReader::try_new(BufReader::with_capacity(1 << 18, file), None)
            .or_err(Kind::Unavailable, || FAILED)?;
        let batch = batches.next().ok_or_else(|| Error::internal("spilled rows are missing"))?;
        batch.or_err(Kind::Unavailable, || FAILED)
    }
}

fn spill_error(error: std::io::Error) -> Error {
    engine_error(error.into())
}
