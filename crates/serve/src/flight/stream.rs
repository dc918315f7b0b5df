//! Batches as a stream of Flight messages, made as the client takes them.

use std::panic::AssertUnwindSafe;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::{FlightData, IpcMessage, SchemaAsIpc};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lake_model::{Kind, Result, ResultExt};
use lake_query::with_unique_names;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tonic::Status;
use tracing::Instrument as _;

use super::running_answers::RunningAnswer;
use super::status::{panicked, status};
use crate::limits::timeout_error;

/// A stream of messages to a client.
pub(super) type Messages<T> = BoxStream<'static, Result<T, Status>>;

/// Returns a stream of one message.
pub(super) fn single_message<T: Send + 'static>(message: T) -> Messages<T> {
    stream::iter([Ok(message)]).boxed()
}

/// Returns a schema as it is sent: dictionaries become their values, and column names are unique.
pub(super) fn sent_schema(schema: &SchemaRef) -> SchemaRef {
    let schema = with_unique_names(schema);
    let encoder = FlightDataEncoderBuilder::new().with_schema(SchemaRef::clone(&schema)).build(stream::empty());
    encoder.known_schema().unwrap_or(schema)
}

/// Encodes a schema as the bytes that clients decode.
///
/// # Errors
/// If a type has no place in them.
pub(super) fn schema_bytes(schema: &Schema) -> Result<Bytes> {
    let options = IpcWriteOptions::default();
    let message: IpcMessage =
        SchemaAsIpc::new(schema, &options).try_into().or_err(Kind::Internal, || "the schema of an answer")?;
    Ok(message.0)
}

/// Returns rows in memory as messages.
pub(super) fn single_batch(rows: RecordBatch) -> Messages<FlightData> {
    encode_batches(rows.schema(), stream::iter([Ok(rows)]).boxed())
}

/// An event of the engine: a batch, the end, or an error.
type EngineMessage = Result<Option<RecordBatch>, Status>;

/// Streams rows as the engine makes them, until the client leaves, the call is cancelled, or its time limit is reached.
/// A client that does not read delays its query, but not beyond the time limit: then only its error is kept.
pub(super) fn stream_batches(
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch>>,
    deadline: Instant,
    run: RunningAnswer,
) -> Messages<FlightData> {
    let (send, receive) = mpsc::channel(1);
    tokio::spawn(forward_batches(batches, deadline, run, send).in_current_span());
    let rows = stream::unfold(Some(receive), |receive| async {
        let mut receive: mpsc::Receiver<EngineMessage> = receive?;
        match receive.recv().await {
            Some(Ok(Some(batch))) => Some((Ok(batch), Some(receive))),
            Some(Ok(None)) => None,
            Some(Err(status)) => Some((Err(status), None)),
            // The worker reports how it ended, unless a bug ended it.
            None => Some((Err(panicked(&"the work behind an answer ended")), None)),
        }
    });
    encode_batches(schema, rows.boxed())
}

async fn forward_batches(
    mut batches: BoxStream<'static, Result<RecordBatch>>,
    deadline: Instant,
    mut run: RunningAnswer,
    send: mpsc::Sender<EngineMessage>,
) {
    let made = async {
        while let Some(batch) = batches.try_next().await.map_err(status)? {
            // The caller notices when the receiver is dropped.
            let _ = send.send(Ok(Some(batch))).await;
        }
        Ok(None)
    };
    let end = tokio::select! {
        biased;
        () = send.closed() => return,
        () = run.cancelled.cancelled() => Err(Status::cancelled("the query was cancelled")),
        end = timeout_at(deadline, made) => end.unwrap_or_else(|_| Err(status(timeout_error()))),
    };
    // The memory of the query is released before the client is waited for.
    drop(batches);
    run.ended = true;
    drop(run);
    let _ = send.send(end).await;
}

fn encode_batches(schema: SchemaRef, rows: BoxStream<'static, Result<RecordBatch, Status>>) -> Messages<FlightData> {
    let rows = rows.map_err(FlightError::from);
    let messages = FlightDataEncoderBuilder::new().with_schema(schema).build(rows).map_err(Status::from);
    // A bug in the middle of an answer breaks this answer and no other.
    AssertUnwindSafe(messages)
        .catch_unwind()
        .map(|message| message.unwrap_or_else(|cause| Err(panicked(&*cause))))
        .boxed()
}
