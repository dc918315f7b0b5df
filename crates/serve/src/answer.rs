//! Rows as the body of an answer, written as it is sent.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::body::{Body, Bytes};
use datafusion::dataframe::DataFrame;
use futures::StreamExt as _;
use lake_model::Result;
use lake_query::{Format, ResultWriter};

use crate::plan::plan_error;

/// Rows that are turned into text at a time.
const ROWS_A_CHUNK: usize = 8192;

/// The first rows of an answer.
#[derive(Debug)]
pub(crate) struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Whether there were more than the limit.
    pub(crate) truncated: bool,
}

impl Rows {
    /// Runs a plan up to `limit` rows, and looks whether there is one more.
    ///
    /// # Errors
    /// If the plan fails.
    pub(crate) async fn take(frame: DataFrame, limit: usize) -> Result<Self> {
        let mut stream = frame.execute_stream().await.map_err(plan_error)?;
        let mut rows = Self { schema: stream.schema(), batches: Vec::new(), truncated: false };
        let mut room = limit;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(plan_error)?;
            rows.truncated = batch.num_rows() > room;
            let taken = batch.num_rows().min(room);
            let starts = (0..taken).step_by(ROWS_A_CHUNK);
            rows.batches.extend(starts.map(|start| batch.slice(start, ROWS_A_CHUNK.min(taken - start))));
            room -= taken;
            if rows.truncated {
                break;
            }
        }
        Ok(rows)
    }

    /// The body in `format`, a chunk at a time as the client takes them.
    ///
    /// # Errors
    /// If the format cannot hold a column.
    pub(crate) fn into_body(self, format: Format) -> Result<Body> {
        let written = Written::default();
        let writer = ResultWriter::new(format, &self.schema, written.clone())?;
        let chunks = Chunks { batches: self.batches.into_iter(), writer: Some(writer), written };
        Ok(Body::from_stream(futures::stream::iter(chunks)))
    }
}

/// Where a writer writes, and from where its bytes are taken.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Chunks {
    batches: std::vec::IntoIter<RecordBatch>,
    writer: Option<ResultWriter<Written>>,
    written: Written,
}

impl Chunks {
    fn write(&mut self) -> Option<Result<()>> {
        let mut writer = self.writer.take()?;
        Some(match self.batches.next() {
            Some(batch) => writer.write(&batch).map(|()| self.writer = Some(writer)),
            None => writer.finish(),
        })
    }
}

impl Iterator for Chunks {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        // An error ends the body before its end: the client sees a broken transfer, never a whole wrong answer.
        let result = self.write()?;
        Some(result.map(|()| self.written.take()).inspect_err(|error| tracing::error!(%error, "an answer broke off")))
    }
}
