//! `/changes`: landed batches as signed counts: a stream that can be followed and resumed.
//!
//! A batch's counts are one version of `fast_counts`, so versions are the stream's positions. The rows that a batch
//! added can be read until vacuum removes them; a position from before that is answered with 410.

use std::sync::Arc;
use std::time::Duration;

use arrow::json::LineDelimitedWriter;
use arrow::json::writer::LineDelimited;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use lake_analytics::{
    FORMAT, Parameter, ParameterTable, Shape, ValueFilter, ValueKind, parse_optional_boolean, parse_optional_integer,
    plan_error, unknown_value,
};
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::{DeltaFiles, engine_error};
use lake_store::{LogEntry, Table};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::access::Client;
use crate::app::App;
use crate::http::endpoint::{CHANGES, Endpoint};
use crate::http::request::negotiation::negotiate;
use crate::http::request::request_params::RequestParams;
use crate::limits::{run_until, timeout_error};
use crate::problem::Problem;

/// How often a follower's stream checks for new batches.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

const FORMATS: &[&str] = &["ndjson", "sse"];

/// The parameters of `/changes`.
const PARAMETERS: ParameterTable = &[
    Parameter::with_values(
        "since",
        Shape::One,
        ValueKind::Integer(0, i64::MAX),
        "The position to continue after: `version` of the last change received. By default, only batches that land from \
         now on.",
    ),
    Parameter::new("resource", Shape::Many, "Only changes of these resources; all by default."),
    Parameter::new("resource!", Shape::Many, "No changes of these resources."),
    Parameter::with_values(
        "counts",
        Shape::One,
        ValueKind::Boolean,
        "Whether each batch is followed by its signed counts; true by default.",
    ),
    Parameter::with_values(
        "follow",
        Shape::One,
        ValueKind::Boolean,
        "Whether to continue as batches land; by default true for server-sent events and false for NDJSON.",
    ),
    FORMAT,
];

/// The definition of `/changes`.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: CHANGES,
    about: "What landed, batch by batch, as signed counts; as NDJSON or as server-sent events.",
    parameters: PARAMETERS,
    formats: FORMATS,
    takes_body: false,
};

/// Answers `GET /changes`.
pub(crate) async fn get(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, Problem> {
    let deadline = Instant::now() + app.limits.timeout;
    let parameters = params.parse(&ENDPOINT)?;
    let events = match parameters.single("format") {
        None => negotiate(&params.headers, &["application/x-ndjson", "text/event-stream"])? == 1,
        Some("sse") => true,
        Some("ndjson") => false,
        Some(other) => return Err(unknown_value("format", other, FORMATS.iter().copied()).into()),
    };
    // A browser that lost its stream sends the position that it had reached.
    let last = params.headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let resumed = last.and_then(|text| text.parse::<u64>().ok());
    let since = resumed.or(parse_optional_integer(&parameters, "since", 0, u64::MAX)?);
    let follow = parse_optional_boolean(&parameters, "follow")?.unwrap_or(events);
    let table = app.reader.lake().fast_counts.clone();
    let newest = table.snapshot().await?.version;
    let begin = since.unwrap_or(newest);
    if begin > newest {
        let what = format!("`since={begin}` is in the future: expected 0 to {newest}");
        return Err(Problem::invalid_parameter("since", what));
    }
    let oldest = table.list_log_files().await?.oldest().unwrap_or(0);
    if begin + 1 < oldest {
        return Err(gone_error(begin, oldest).into());
    }
    let mut changes = Changes {
        table,
        next: begin + 1,
        resources: ValueFilter::parse(&parameters, "resource"),
        counts: parse_optional_boolean(&parameters, "counts")?.unwrap_or(true),
        follow,
        app,
        client: Client::current_key(),
    };
    // Nothing has been sent yet: it takes no longer than any other answer.
    let first = run_until(deadline, changes.read_first_batches()).await?;
    let mut response = if events { changes.respond_with_events(first) } else { changes.respond_with_lines(first) };
    if !events {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if follow {
        response.extensions_mut().insert(Live);
    }
    Ok(response)
}

/// An answer that is sent bit by bit without an end: nothing may hold back what it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live;

fn gone_error(version: u64, oldest: u64) -> Error {
    let what =
        format!("the batches after version {version} of fast_counts can no longer be read; the oldest position is");
    Error::new(Kind::Gone, format!("{what} {}; start again from /aggregates", oldest.saturating_sub(1)))
}

/// A position in the stream, and the request for it.
struct Changes {
    app: Arc<App>,
    /// The key of the client, which takes the permits.
    client: Arc<str>,
    table: Table,
    next: u64,
    resources: ValueFilter,
    counts: bool,
    follow: bool,
}

/// A batch that landed.
struct LandedBatch {
    version: u64,
    /// The batch itself.
    about: Value,
    /// Its signed counts.
    counts: Vec<Value>,
    /// Whether it has any, so that files were read.
    is_read: bool,
}

impl Changes {
    /// Reads the batches up to the first whose counts are read: if those are gone, the answer is an error and not a
    /// stream that breaks off.
    async fn read_first_batches(&mut self) -> Result<Vec<LandedBatch>> {
        let follow = std::mem::replace(&mut self.follow, false);
        let mut first = Vec::new();
        while let Some(batch) = self.next_batch().await? {
            let is_read = batch.is_read;
            first.push(batch);
            if is_read {
                break;
            }
        }
        self.follow = follow;
        Ok(first)
    }

    fn respond_with_lines(self, first: Vec<LandedBatch>) -> Response {
        let lines = self.batches(first).map_ok(|batch| {
            let values = std::iter::once(&batch.about).chain(&batch.counts);
            Bytes::from(values.map(|value| format!("{value}\n")).collect::<String>())
        });
        Body::from_stream(lines).into_response()
    }

    fn respond_with_events(self, first: Vec<LandedBatch>) -> Response {
        let events = self.batches(first).map_ok(|batch| {
            let last = batch.counts.len();
            let all =
                std::iter::once(("batch", batch.about)).chain(batch.counts.into_iter().map(|count| ("count", count)));
            // The position is sent with the last event of a batch, so that a client that resumes the stream gets
            // complete batches.
            let events = all.enumerate().map(move |(n, (kind, value))| {
                let event = Event::default().event(kind).data(value.to_string());
                Ok(if n == last { event.id(batch.version.to_string()) } else { event })
            });
            futures::stream::iter(events.collect::<Vec<Result<Event>>>())
        });
        Sse::new(events.try_flatten()).keep_alive(KeepAlive::default()).into_response()
    }

    /// Returns the first batches, and those after them; for a follower without an end.
    fn batches(self, first: Vec<LandedBatch>) -> BoxStream<'static, Result<LandedBatch>> {
        let later = futures::stream::try_unfold(self, |mut changes| async move {
            let found = changes
                .next_batch()
                .await
                .inspect_err(|error| tracing::error!(%error, "a stream of changes broke off"))?;
            Ok(found.map(|batch| (batch, changes)))
        });
        futures::stream::iter(first.into_iter().map(Ok)).chain(later).boxed()
    }

    /// Returns the next batch that is requested.
    async fn next_batch(&mut self) -> Result<Option<LandedBatch>> {
        loop {
            let newest = self.table.snapshot().await?.version;
            while self.next <= newest {
                let version = self.next;
                let entry = self.table.read_log_entry(version).await?.ok_or_else(|| gone_error(version, newest))?;
                self.next += 1;
                let resource = entry.text("resource").unwrap_or_default().to_owned();
                if entry.work == "DERIVE" && self.resources.contains(&resource) {
                    return self.read_batch(entry, &resource).await.map(Some);
                }
            }
            if !self.follow {
                return Ok(None);
            }
            tokio::select! {
                () = self.app.stop.cancelled() => return Ok(None),
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        }
    }

    async fn read_batch(&self, entry: LogEntry, resource: &str) -> Result<LandedBatch> {
        let version = entry.version;
        let is_read = !entry.adds.is_empty();
        let counts = if is_read { self.signed_counts(&entry).await? } else { Vec::new() };
        let committed = entry.committed_ms.and_then(DateTime::from_timestamp_millis);
        let net: i64 = counts.iter().filter_map(|count| count["count"].as_i64()).sum();
        let about = json!({
            "kind": "batch",
            "version": version,
            "resource": resource,
            "batch": entry.number("batch"),
            "committed_at": committed.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            "changes": counts.len(),
            "net": net,
        });
        Ok(LandedBatch { version, about, counts: if self.counts { counts } else { Vec::new() }, is_read })
    }

    /// Returns the rows that a version added, as objects.
    async fn signed_counts(&self, entry: &LogEntry) -> Result<Vec<Value>> {
        let snapshot = self.table.snapshot_at(entry.version).await?;
        let added = snapshot.files.iter().filter(|file| entry.adds.iter().any(|add| add.path == file.path));
        let files: Vec<_> = added.cloned().collect();
        for file in &files {
            if !self.table.contains_object(&file.path).await? {
                return Err(gone_error(entry.version - 1, entry.version + 1));
            }
        }
        let only = snapshot.with_files(files);
        let provider = DeltaFiles::new(&only, &self.table).map_err(engine_error)?;
        // A stream without an end waits for its permit without a time limit, and keeps it no longer than other
        // requests.
        let _permit = self.app.admission.acquire_unbounded(&self.client).await?;
        let read = self.read_counts(Arc::new(provider), entry.version);
        timeout(self.app.limits.timeout, read).await.map_err(|_| timeout_error())?
    }

    async fn read_counts(&self, provider: Arc<DeltaFiles>, version: u64) -> Result<Vec<Value>> {
        let session =
            self.app.reader.engine().with_limits(self.app.limits.memory_bytes, self.app.limits.spill_bytes)?.session();
        let frame = session.context().read_table(provider).map_err(plan_error)?;
        let columns = [
            "resource",
            "batch",
            "occurred_at",
            "cell",
            "category",
            "subcategory",
            "district",
            "neighborhood",
            "count",
        ];
        let mut rows =
            frame.select_columns(&columns).map_err(plan_error)?.execute_stream().await.map_err(plan_error)?;
        let mut values = Vec::new();
        while let Some(batch) = rows.try_next().await.map_err(plan_error)? {
            let json = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
            let mut writer: LineDelimitedWriter<Vec<u8>> = json.build::<_, LineDelimited>(Vec::new());
            let written = writer.write(&batch).and_then(|()| writer.finish());
            written.or_err(Kind::Internal, || "signed counts as JSON")?;
            for line in String::from_utf8_lossy(&writer.into_inner()).lines() {
                let mut value: Value =
                    serde_json::from_str(line).or_err(Kind::Internal, || "a signed count as JSON")?;
                if let Some(cell) = value["cell"].as_i64() {
                    value["cell"] = lake_query::cell_text(cell).into();
                }
                value["kind"] = "count".into();
                value["version"] = version.into();
                values.push(value);
            }
        }
        Ok(values)
    }
}
