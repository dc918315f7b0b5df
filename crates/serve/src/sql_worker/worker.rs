//! A worker: it reads statements from its stdin, one at a time, and writes their answers to its stdout.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ParamValues;
use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::LogicalPlan;
use futures::TryStreamExt as _;
use lake_model::{Catalog, Error, Kind, Resource, Result, ResultExt, parse_json};
use lake_query::{
    Engine, EngineOptions, LakeSnapshot, NamedQuery, OutputColumns, Reader, SPILL_LIMIT_MESSAGE, Session,
    SnapshotVersions, Statement, run_statement, statement_error,
};
use lake_store::{Lake, Location};
use parking_lot::Mutex;
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::message::{
    Begin, End, HeldRows, MAX_FRAME_BYTES, MAX_PART_BYTES, Plan, PlanRequest, Request, Sql, SqlWorkerSetup,
    StatementValues, Tag, decode, encode, from_json, read_frame, to_json,
};

/// Frames that wait to be written.
const MAX_WAITING_FRAMES: usize = 2;
/// Tries to remove the spill files, as the server is gone.
const MAX_REMOVALS: usize = 5;

impl SqlWorkerSetup {
    /// Reads the first message of the server.
    ///
    /// # Errors
    /// If stdin holds something else: the worker was not started by a server.
    pub fn read(input: &mut impl std::io::Read) -> Result<Self> {
        let not_for_people =
            || "`sql-worker` is started by a server; run queries with `hotspots-lake sql`, or over HTTP";
        let payload = read_frame(input).or_err(Kind::Invalid, not_for_people)?;
        let setup: Self = serde_json::from_slice(&payload).or_err(Kind::Invalid, not_for_people)?;
        if setup.version != env!("CARGO_PKG_VERSION") {
            let (own, server) = (env!("CARGO_PKG_VERSION"), &setup.version);
            return Err(Error::invalid(format!(
                "the program is {own} now, the server {server}; start the server again"
            )));
        }
        Ok(setup)
    }
}

/// Answers statements until stdin ends.
///
/// # Errors
/// If a message is not valid, or the machine has no more threads.
pub async fn run_sql_worker(setup: SqlWorkerSetup) -> Result<()> {
    let mut requests = receive_requests(setup.spill_directory.clone())?;
    let output = Output::start()?;
    let worker = Arc::new(Worker { setup, reader: tokio::sync::OnceCell::new(), snapshot: Mutex::default(), output });
    // The first statement need not wait for it; a failure is reported to the next statement.
    if let Ok(reader) = worker.reader().await {
        let _ = reader.open_newest().await;
    }
    while let Some(request) = requests.recv().await {
        // Whatever else comes belongs to a statement that has ended.
        let Request::Plan(request) = request else { continue };
        let (run, told) = oneshot::channel();
        let work = tokio::spawn(Arc::clone(&worker).answer(*request, told));
        let ended = run_until_end(work, run, &mut requests).await;
        worker.output.send(Tag::End, &to_json(&End::new(ended))?).await?;
    }
    Ok(())
}

/// Waits for the end of a statement, or for its cancellation.
async fn run_until_end(
    mut work: JoinHandle<Result<()>>,
    run: oneshot::Sender<Option<HeldRows>>,
    requests: &mut mpsc::Receiver<Request>,
) -> Result<()> {
    let mut run = Some(run);
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            request = requests.recv() => match request {
                Some(Request::Run { held }) => {
                    // A statement that has failed meanwhile reports its own error.
                    run.take().map(|run| run.send(held));
                }
                Some(Request::Cancel) | None => {
                    work.abort();
                    break (&mut work).await;
                }
                Some(Request::Plan(_)) => return Err(Error::internal("a worker got two requests at once")),
            },
        }
    };
    match ended {
        Ok(ended) => ended,
        Err(error) if error.is_panic() => {
            let cause = error.into_panic();
            let text = cause.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no reason was given");
            let text = text.lines().next().unwrap_or_default();
            Err(Error::invalid(format!("the engine cannot answer this statement ({text}); write it in another way")))
        }
        Err(_) => Err(Error::new(Kind::TimedOut, "the query was left")),
    }
}

/// Receives requests over stdin, which a thread of its own reads. The process ends with the server, whatever it is
/// doing, and leaves no spill file: a server that was killed cannot remove them.
fn receive_requests(spill: PathBuf) -> Result<mpsc::Receiver<Request>> {
    let (send, receive) = mpsc::channel(4);
    let read = move || {
        let mut input = std::io::stdin().lock();
        while let Ok(payload) = read_frame(&mut input) {
            let Ok(request) = from_json(&payload) else { break };
            if send.blocking_send(request).is_err() {
                break;
            }
        }
        // Others may still be writing into it.
        for _ in 0..MAX_REMOVALS {
            if std::fs::remove_dir_all(&spill).is_ok() {
                break;
            }
        }
        // No destructor and no other thread can hold this up.
        let _ = kill_process(getpid(), Signal::KILL);
    };
    let thread = std::thread::Builder::new().name("requests".to_owned()).spawn(read);
    thread.or_err(Kind::Internal, || "starting a thread")?;
    Ok(receive)
}

/// Stdout, written by a thread of its own.
#[derive(Clone, Debug)]
struct Output(mpsc::Sender<Vec<u8>>);

impl Output {
    fn start() -> Result<Self> {
        let failed = || "the stdout of a worker";
        let mut output = File::from(std::io::stdout().as_fd().try_clone_to_owned().or_err(Kind::Internal, failed)?);
        let (send, mut receive) = mpsc::channel::<Vec<u8>>(MAX_WAITING_FRAMES);
        let write = move || {
            while let Some(frame) = receive.blocking_recv() {
                if output.write_all(&frame).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("answers".to_owned()).spawn(write).or_err(Kind::Internal, failed)?;
        Ok(Self(send))
    }

    async fn send(&self, tag: Tag, payload: &[u8]) -> Result<()> {
        let length = u32::try_from(payload.len() + 1).or_err(Kind::Exhausted, || "a frame of an answer")?;
        let mut frame = Vec::with_capacity(payload.len() + 5);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.push(tag as u8);
        frame.extend_from_slice(payload);
        self.0.send(frame).await.map_err(|_| Error::internal("the answers of a worker are not read"))
    }

    /// Sends the columns of an answer, or placeholders.
    async fn send_schema(&self, tag: Tag, schema: &SchemaRef) -> Result<()> {
        let bytes = encode(schema, None)?;
        if bytes.len() > MAX_FRAME_BYTES {
            return Err(Error::new(Kind::Exhausted, "the answer has too many columns; select fewer"));
        }
        // Readers of Arrow streams go so deep and no deeper.
        decode(&bytes).map_err(|_| {
            Error::invalid("the types of the answer's columns are nested too deep; select parts of the values")
        })?;
        self.send(tag, &bytes).await
    }

    /// Sends rows, in parts that are not large.
    async fn send_rows(&self, batch: &RecordBatch) -> Result<()> {
        for part in parts(batch)? {
            self.send_part(&part).await?;
        }
        Ok(())
    }

    async fn send_part(&self, part: &RecordBatch) -> Result<()> {
        self.send(Tag::Batch, &encode(&part.schema(), Some(part))?).await
    }
}

/// Splits rows into parts that are not large.
fn parts(batch: &RecordBatch) -> Result<Vec<RecordBatch>> {
    let (mut open, mut parts) = (vec![with_compact_texts(batch)?], Vec::new());
    while let Some(part) = open.pop() {
        let (rows, bytes) = (part.num_rows(), bytes_of(&part));
        if bytes > MAX_PART_BYTES && rows > 1 {
            let half = rows / 2;
            let first = with_compact_texts(&part.slice(0, half))?;
            // Buffers that all rows share do not become smaller.
            if bytes_of(&first) < bytes / 4 * 3 || bytes > MAX_FRAME_BYTES {
                open.push(with_compact_texts(&part.slice(half, rows - half))?);
                open.push(first);
                continue;
            }
        }
        if bytes > MAX_FRAME_BYTES {
            let (mib, most) = (bytes.div_ceil(1 << 20), MAX_FRAME_BYTES >> 20);
            let text = format!(
                "a row of the answer takes {mib} MiB, more than {most} (`max_row_mib` of /limits); select parts of its values"
            );
            return Err(Error::new(Kind::Exhausted, text));
        }
        parts.push(part);
    }
    Ok(parts)
}

/// The lake, as one server reads it.
struct Worker {
    setup: SqlWorkerSetup,
    reader: tokio::sync::OnceCell<Arc<Reader>>,
    /// The last snapshot, which the next statement is likely to be of.
    snapshot: Mutex<Option<(String, Arc<LakeSnapshot>)>>,
    output: Output,
}

/// A statement with its values.
struct BoundStatement {
    columns: SchemaRef,
    placeholders: SchemaRef,
    is_fixed: bool,
    values: String,
    /// None where no values were given.
    frame: Option<DataFrame>,
}

impl Worker {
    async fn reader(&self) -> Result<Arc<Reader>> {
        let open = || async {
            let lake = Lake::open(self.location()?).await?;
            // It spills where the server has set the system's temporary directory to be.
            let options = EngineOptions { memory_bytes: self.setup.memory_bytes, ..EngineOptions::default() };
            let engine = Engine::new(options, lake.location())?;
            let given = self.setup.resources.iter().cloned();
            let catalog =
                Catalog::from_resources(given.map(|(resource, definition)| Resource { definition, ..resource }));
            Ok::<_, Error>(Arc::new(Reader::new(lake, engine, Arc::new(catalog))))
        };
        self.reader.get_or_try_init(open).await.map(Arc::clone)
    }

    /// Returns the location of the server's lake, with the same amount of memory for its blocks.
    fn location(&self) -> Result<Location> {
        Ok(Location::parse(&self.setup.lake)?.with_block_cache(self.setup.block_cache_bytes))
    }

    /// Opens the snapshot of a question.
    async fn open_snapshot(&self, reader: &Reader, request: &PlanRequest) -> Result<Arc<LakeSnapshot>> {
        let last = || self.snapshot.lock();
        if let Some((_, snapshot)) = last().as_ref().filter(|(pin, _)| *pin == request.pin) {
            return Ok(Arc::clone(snapshot));
        }
        let pin: SnapshotVersions = request.pin.parse()?;
        let snapshot = reader.open_versions(&pin).await?;
        *last() = Some((request.pin.clone(), Arc::clone(&snapshot)));
        Ok(snapshot)
    }

    async fn answer(self: Arc<Self>, request: PlanRequest, run: oneshot::Receiver<Option<HeldRows>>) -> Result<()> {
        let bound = self.plan(&request).await?;
        self.output.send_schema(Tag::Columns, &bound.columns).await?;
        self.output.send_schema(Tag::Placeholders, &bound.placeholders).await?;
        let plan = Plan { is_fixed: bound.is_fixed, values: bound.values };
        self.output.send(Tag::Plan, &to_json(&plan)?).await?;
        let Ok(held) = run.await else { return Ok(()) };
        let frame = bound.frame.ok_or_else(|| Error::internal("a statement without its values"))?;
        match held {
            Some(held) => self.run_held(frame, &held, request.spill_bytes).await,
            None => self.run_streamed(frame, request.spill_bytes).await,
        }
    }

    async fn plan(&self, request: &PlanRequest) -> Result<BoundStatement> {
        let reader = self.reader().await?;
        let snapshot = self.open_snapshot(&reader, request).await?;
        let engine = reader.engine().with_limits(request.memory_bytes, request.spill_bytes)?;
        let session = reader.sql_session_on(&engine, &snapshot).await?;
        let (statement, file) = prepare(&session, &request.sql).await?;
        let fields = statement.parameters().iter();
        let fields = fields.map(|(name, kind)| Field::new(name, kind.clone().unwrap_or(DataType::Null), true));
        let placeholders = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let is_fixed = statement.is_fixed();
        let values = match &request.values {
            StatementValues::Unbound => {
                let columns = statement.schema();
                return Ok(BoundStatement { columns, placeholders, is_fixed, values: String::new(), frame: None });
            }
            StatementValues::Json(values) => {
                let values = parse_json(values).or_err(Kind::Internal, || "the values of a statement")?;
                statement.values_from_json(&values)?
            }
            StatementValues::Row(row) => statement.values_from_row(row.read()?)?,
            StatementValues::Typed(row) => ParamValues::from(row.read()?),
        };
        let written = canonical_text(&values);
        let frame = statement.bind(values).map_err(|error| match file {
            Some(file) => error.context(file),
            None => error,
        })?;
        let columns = SchemaRef::new(frame.schema().as_arrow().clone());
        Ok(BoundStatement { columns, placeholders, is_fixed, values: written, frame: Some(frame) })
    }

    /// Holds the first rows until it is known whether there are more, and sends them.
    async fn run_held(&self, frame: DataFrame, held: &HeldRows, spill_bytes: u64) -> Result<()> {
        let exceeded = |error| with_limit(error, spill_bytes);
        let failed = |error: DataFusionError| exceeded(statement_error(error));
        let (limit, format) = (held.limit, held.format.parse()?);
        // A plan is sent completely, and nothing can precede it.
        let is_plan = matches!(frame.logical_plan(), LogicalPlan::Explain(_) | LogicalPlan::Analyze(_));
        let frame = if is_plan { frame } else { frame.limit(0, Some(limit.saturating_add(1))).map_err(failed)? };
        let pool = Arc::clone(&frame.task_ctx().runtime_env().memory_pool);
        let reservation = MemoryConsumer::new("rows of the answer").register(&pool);
        let mut stream = run_statement(frame).await.map_err(exceeded)?;
        let columns = OutputColumns::new(format, &stream.schema())?;
        let (mut batches, mut room, mut truncated) = (Vec::new(), limit, false);
        while let Some(batch) = stream.try_next().await.map_err(failed)? {
            let taken = batch.num_rows().min(room);
            truncated |= taken < batch.num_rows();
            let batch = batch.slice(0, taken);
            columns.check(&batch)?;
            reservation.try_grow(bytes_of(&batch)).map_err(failed)?;
            batches.push(batch);
            room -= taken;
            if truncated {
                break;
            }
        }
        // Rows that cannot be sent are rejected before the first one.
        let parts = batches.iter().map(parts).collect::<Result<Vec<_>>>()?;
        self.begin(&stream.schema(), truncated).await?;
        drop(stream);
        for part in parts.iter().flatten() {
            self.output.send_part(part).await?;
        }
        Ok(())
    }

    /// Sends rows as they are made.
    async fn run_streamed(&self, frame: DataFrame, spill_bytes: u64) -> Result<()> {
        let exceeded = |error| with_limit(error, spill_bytes);
        let failed = |error: DataFusionError| exceeded(statement_error(error));
        let mut stream = run_statement(frame).await.map_err(exceeded)?;
        self.begin(&stream.schema(), false).await?;
        while let Some(batch) = stream.try_next().await.map_err(failed)? {
            self.output.send_rows(&batch).await?;
        }
        Ok(())
    }

    async fn begin(&self, schema: &SchemaRef, truncated: bool) -> Result<()> {
        self.output.send_schema(Tag::Columns, schema).await?;
        self.output.send(Tag::Begin, &to_json(&Begin { truncated })?).await
    }
}

/// Plans a statement; the other is the file of a named query, for errors.
async fn prepare<'a>(session: &Session, sql: &'a Sql) -> Result<(Statement, Option<&'a str>)> {
    match sql {
        Sql::Text(text) => Ok((session.prepare(text).await?, None)),
        Sql::Named { name, file, text } => {
            let query = NamedQuery::parse(name, file, text)?;
            let query = query.ok_or_else(|| Error::internal(format!("the query {name} has no title")))?;
            Ok((query.prepare(session).await?, Some(file)))
        }
    }
}

/// Returns a canonical text of values, equal for equal values however they were written.
fn canonical_text(values: &ParamValues) -> String {
    match values {
        ParamValues::List(values) => format!("{values:?}"),
        ParamValues::Map(values) => format!("{:?}", values.iter().collect::<BTreeMap<_, _>>()),
    }
}

/// Returns the bytes of the rows of a batch, including buffers that it shares with other batches.
fn bytes_of(batch: &RecordBatch) -> usize {
    let column = |column: &arrow::array::ArrayRef| column.to_data().get_slice_memory_size();
    batch.columns().iter().map(|c| column(c).unwrap_or_else(|_| c.get_array_memory_size())).sum()
}

/// Returns the same rows; their string views refer to buffers with the texts of these rows only.
fn with_compact_texts(batch: &RecordBatch) -> Result<RecordBatch> {
    let is_view = |kind: &DataType| matches!(kind, DataType::Utf8View | DataType::BinaryView);
    if !batch.columns().iter().any(|column| is_view(column.data_type())) {
        return Ok(batch.clone());
    }
    let columns = batch.columns().iter().map(|column| -> arrow::array::ArrayRef {
        match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => Arc::clone(column),
        }
    });
    RecordBatch::try_new(batch.schema(), columns.collect()).or_err(Kind::Internal, || "views of texts")
}

/// Returns the error, with the name of the limit that the query exceeded.
fn with_limit(error: Error, spill_bytes: u64) -> Error {
    match error.kind() {
        Kind::Exhausted if error.message() == SPILL_LIMIT_MESSAGE => {
            let mib = spill_bytes >> 20;
            let limit =
                format!("{SPILL_LIMIT_MESSAGE}, {mib} MiB (`request_spill_mib` of /limits); request less at a time");
            Error::new(Kind::Exhausted, limit)
        }
        Kind::Exhausted => error.context("the query needs more memory than `request_memory_mib` of /limits"),
        _ => error,
    }
}
