//! The messages between the server and a worker: frames of a length and a payload, over the worker's stdin and stdout.
//!
//! To a worker a payload is a [`Request`] as JSON. From a worker its first byte is a [`Tag`]; batches and schemas are
//! complete Arrow streams, each readable on its own.

use std::io::Read;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use datafusion::common::{ParamValues, ScalarValue};
use lake_model::{Definition, Error, Kind, Resource, Result, ResultExt};
use lake_query::NamedQuery;
use serde::{Deserialize, Serialize};

/// The largest frame, and so the most that a row of an answer may take on its way out of a worker.
pub(crate) const MAX_FRAME_BYTES: usize = 32 << 20;
/// Larger batches are sent in parts.
pub(crate) const MAX_PART_BYTES: usize = 4 << 20;
/// Texts of errors are cut beyond this.
const MAX_ERROR_BYTES: usize = 16 << 10;

/// The first message to a worker: the configuration of the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SqlWorkerSetup {
    /// The version of the program: a worker of another one does not serve.
    pub version: String,
    /// The lake, as `--lake` takes it.
    pub lake: String,
    /// Bytes for blocks of data files that were read and checked.
    pub block_cache_bytes: usize,
    /// The resources that the server was given, with their definitions; the lake has those of its own.
    pub resources: Vec<(Resource, Definition)>,
    /// The directory for spill files. The server makes it, and removes it after the worker.
    pub spill_directory: std::path::PathBuf,
    /// Bytes that the engine may hold for any query.
    pub memory_bytes: usize,
    /// Bytes that the process may take in all.
    pub process_bytes: usize,
}

/// A request to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Plan a statement, and bind its values.
    Plan(Box<PlanRequest>),
    /// Run what was planned.
    Run {
        /// Hold the first rows before any is sent; none: send rows as they are made.
        held: Option<HeldRows>,
    },
    /// Abandon the statement.
    Cancel,
}

/// Which rows are held until it is known whether there are more, and whether they can be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HeldRows {
    /// The most rows.
    pub(crate) limit: usize,
    /// The name of the format that they are sent in.
    pub(crate) format: String,
}

/// A statement of a user over one snapshot of the lake.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlanRequest {
    /// The versions to read: a [`lake_query::SnapshotVersions`].
    pub(crate) pin: String,
    pub(crate) sql: Sql,
    pub(crate) values: StatementValues,
    /// Bytes that the engine may hold for it.
    pub(crate) memory_bytes: usize,
    /// Bytes that it may spill.
    pub(crate) spill_bytes: u64,
}

/// The text of a statement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Sql {
    /// As a client wrote it.
    Text(String),
    /// The file of a named query.
    Named { name: String, file: String, text: String },
}

impl Sql {
    pub(crate) fn from_query(query: &NamedQuery) -> Self {
        Self::Named { name: query.name().to_owned(), file: query.file().to_owned(), text: query.text().to_owned() }
    }
}

/// The values of a statement's placeholders.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum StatementValues {
    /// None are bound yet.
    Unbound,
    /// The text of JSON: an object by name, or an array in the order of the placeholders.
    Json(String),
    /// By position if the placeholders are numbers, else by name; converted to the types that the SQL determines.
    Row(Row),
    /// By name, of the types that the header of a named query declares.
    Typed(Row),
}

/// Named values: an Arrow stream of one row, in base64.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row(String);

impl Row {
    /// # Errors
    /// If a value has no place in an Arrow stream.
    pub(crate) fn new(values: impl IntoIterator<Item = (String, ScalarValue)>) -> Result<Self> {
        let wrong = || "the bound values as Arrow";
        let columns = values.into_iter().map(|(name, value)| Ok((name, value.to_array()?, true)));
        let columns = columns.collect::<datafusion::error::Result<Vec<_>>>().or_err(Kind::Invalid, wrong)?;
        let batch = if columns.is_empty() {
            let options = RecordBatchOptions::new().with_row_count(Some(1));
            let schema = Arc::new(arrow::datatypes::Schema::empty());
            RecordBatch::try_new_with_options(schema, Vec::new(), &options)
        } else {
            RecordBatch::try_from_iter_with_nullable(columns)
        };
        let batch = batch.or_err(Kind::Invalid, wrong)?;
        Ok(Self(BASE64_STANDARD.encode(encode(&batch.schema(), Some(&batch))?)))
    }

    /// # Errors
    /// As [`Self::new`].
    pub(crate) fn from_values(values: ParamValues) -> Result<Self> {
        match values {
            ParamValues::Map(values) => {
                Self::new(values.into_iter().map(|(name, value)| (name, value.value().clone())))
            }
            ParamValues::List(values) => {
                let named = values.into_iter().enumerate();
                Self::new(named.map(|(at, value)| ((at + 1).to_string(), value.value().clone())))
            }
        }
    }

    /// # Errors
    /// If it was not made by [`Self::new`].
    pub(crate) fn read(&self) -> Result<Vec<(String, ScalarValue)>> {
        let wrong = || "the bound values";
        let bytes = BASE64_STANDARD.decode(&self.0).or_err(Kind::Internal, wrong)?;
        let (schema, Some(batch)) = decode(&bytes)? else { return Err(Error::internal(wrong())) };
        let values = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
            Ok((field.name().clone(), ScalarValue::try_from_array(column, 0).or_err(Kind::Internal, wrong)?))
        });
        values.collect()
    }
}

/// The content of a frame from a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// The columns of the answer: an Arrow stream without a batch.
    Columns = 1,
    /// The placeholders and their types, null where the SQL does not determine one: an Arrow stream without a batch.
    Placeholders,
    /// A [`Plan`], after the two before.
    Plan,
    /// A [`Begin`]: rows follow.
    Begin,
    /// Rows: an Arrow stream of one batch.
    Batch,
    /// An [`End`]: the worker waits for the next statement.
    End,
}

impl Tag {
    pub(crate) fn read(byte: u8) -> Option<Self> {
        let all = [Self::Columns, Self::Placeholders, Self::Plan, Self::Begin, Self::Batch, Self::End];
        all.into_iter().find(|tag| *tag as u8 == byte)
    }
}

/// The result of planning a statement.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Whether equal versions give equal answers.
    pub(crate) is_fixed: bool,
    /// The values, however they were written.
    pub(crate) values: String,
}

/// The facts about an answer before its first row.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begin {
    /// Whether there are more rows than the limit.
    pub(crate) truncated: bool,
}

/// How an answer ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct End {
    failure: Option<Failure>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Failure {
    kind: String,
    message: String,
}

impl End {
    pub(crate) fn new(result: Result<()>) -> Self {
        let failure = result.err().map(|error| {
            let mut message = error.to_string();
            if message.len() > MAX_ERROR_BYTES {
                message.truncate(message.floor_char_boundary(MAX_ERROR_BYTES));
                message.push_str(" ...");
            }
            Failure { kind: error.kind().title().to_owned(), message }
        });
        Self { failure }
    }

    pub(crate) fn into_result(self) -> Result<()> {
        let Some(Failure { kind, message }) = self.failure else { return Ok(()) };
        let kind = Kind::all().find(|known| known.title() == kind).unwrap_or(Kind::Internal);
        Err(Error::new(kind, message))
    }
}

/// Encodes a schema and at most one batch as an Arrow stream.
///
/// # Errors
/// If a type has no place in it.
pub(crate) fn encode(schema: &SchemaRef, batch: Option<&RecordBatch>) -> Result<Vec<u8>> {
    let unwritable = || "an answer as an Arrow stream";
    let mut writer = StreamWriter::try_new(Vec::new(), schema).or_err(Kind::Invalid, unwritable)?;
    batch.iter().try_for_each(|batch| writer.write(batch)).or_err(Kind::Invalid, unwritable)?;
    writer.into_inner().or_err(Kind::Invalid, unwritable)
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// If it is not valid, or its types are nested deeper than a reader accepts.
pub(crate) fn decode(bytes: &[u8]) -> Result<(SchemaRef, Option<RecordBatch>)> {
    let unreadable = || "the answer of a query as an Arrow stream";
    let mut reader = StreamReader::try_new(bytes, None).or_err(Kind::Invalid, unreadable)?;
    let batch = reader.next().transpose().or_err(Kind::Invalid, unreadable)?;
    Ok((reader.schema(), batch))
}

/// Reads a frame.
///
/// # Errors
/// If there is none.
pub(crate) fn read_frame(input: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let length = u64::from(u32::from_be_bytes(length));
    let mut payload = Vec::new();
    if input.take(length).read_to_end(&mut payload)? as u64 != length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(payload)
}

/// Encodes a message as the payload of a frame.
///
/// # Errors
/// Never, as our messages have a form in JSON.
pub(crate) fn to_json(message: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(message).or_err(Kind::Internal, || "a message to or from a worker")
}

/// Reads the payload of a frame.
///
/// # Errors
/// If it is not such a message.
pub(crate) fn from_json<'a, T: Deserialize<'a>>(payload: &'a [u8]) -> Result<T> {
    serde_json::from_slice(payload).or_err(Kind::Internal, || "a message to or from a worker")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_arrive_as_they_were_sent() {
        let sent = [
            ("a".to_owned(), ScalarValue::from(7_i64)),
            ("b".to_owned(), ScalarValue::Utf8(None)),
            ("c".to_owned(), ScalarValue::Null),
            ("d".to_owned(), ScalarValue::TimestampMicrosecond(Some(5), Some("UTC".into()))),
        ];
        let row = Row::new(sent.clone()).expect("a row");
        assert_eq!(row.read().expect("values"), sent);
        assert_eq!(Row::new([]).expect("a row").read().expect("values"), []);
    }

    #[test]
    fn an_error_keeps_its_kind_and_text() {
        for kind in Kind::all() {
            let error = End::new(Err(Error::new(kind, "ü"))).into_result().expect_err("an error");
            assert_eq!((error.kind(), error.message()), (kind, "ü"));
        }
        let long = End::new(Err(Error::invalid("ü".repeat(20_000)))).into_result().expect_err("an error");
        assert!(long.message().len() < 17_000, "{}", long.message().len());
    }
}
