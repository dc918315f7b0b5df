//! Statements: planned, given a ticket, and answered.

use arrow::datatypes::SchemaRef;
use arrow_flight::sql::{ProstMessageExt as _, TicketStatementQuery};
use arrow_flight::{FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use datafusion::dataframe::DataFrame;
use futures::StreamExt as _;
use lake_model::{Kind, Result, ResultExt};
use lake_query::{Statement, View};
use prost::Message as _;
use tokio::time::Instant;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Response, Status};

use super::running::Running;
use super::status::status;
use super::stream::{Messages, running, sent_schema};
use super::ticket::Asked;
use super::values::Values;
use crate::app::{App, Reading};
use crate::user_sql::{execute, session};

/// A statement that was planned over a reading.
pub(super) struct Planned {
    reading: Reading,
    statement: Statement,
}

impl Planned {
    /// Plans a statement over the versions that it names, or the newest.
    ///
    /// # Errors
    /// If the SQL is wrong or would change anything, or the versions are gone.
    pub(super) async fn new(app: &App, asked: &Asked) -> Result<Self> {
        let reading = match asked.versions()? {
            Some(versions) => app.reading_pinned(&versions).await?,
            None => app.reading().await?,
        };
        let statement = session(&reading).await?.prepare(&asked.sql).await?;
        Ok(Self { reading, statement })
    }

    /// The places for values.
    pub(super) fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The columns of the answer, whether or not values are bound.
    pub(super) fn schema(&self) -> SchemaRef {
        sent_schema(&self.statement.schema())
    }

    /// The columns of the answer with these values.
    ///
    /// # Errors
    /// As [`Self::bound`].
    pub(super) fn bound_schema(self, values: Option<&Values>) -> Result<SchemaRef> {
        Ok(columns(&self.bound(values)?.1))
    }

    /// With the values in their places.
    ///
    /// # Errors
    /// If a place has no value, or one that does not fit.
    pub(super) fn bound(self, values: Option<&Values>) -> Result<(Reading, DataFrame)> {
        let values = Values::bound(values, &self.statement)?;
        Ok((self.reading, self.statement.bind(values)?))
    }
}

/// The columns of a bound answer, as they are sent.
fn columns(frame: &DataFrame) -> SchemaRef {
    sent_schema(&SchemaRef::new(frame.schema().as_arrow().clone()))
}

/// What a client asks a statement's rows with.
///
/// # Errors
/// If the SQL is wrong, would change anything, or lacks values.
pub(super) async fn info(app: &App, asked: Asked, descriptor: FlightDescriptor) -> Result<Response<FlightInfo>> {
    let (reading, frame) = Planned::new(app, &asked).await?.bound(asked.values.as_ref())?;
    let handle = asked.pinned(&reading.view.pin()).write();
    let ticket = TicketStatementQuery { statement_handle: handle }.as_any().encode_to_vec().into();
    let mut response = Response::new(described(&columns(&frame), ticket, descriptor)?);
    say_reading(response.metadata_mut(), &reading.view)?;
    Ok(response)
}

/// One endpoint, here, whose rows have these columns.
///
/// # Errors
/// If a type has no place in the schema.
pub(super) fn described(schema: &SchemaRef, ticket: Bytes, descriptor: FlightDescriptor) -> Result<FlightInfo> {
    let info = FlightInfo::new().try_with_schema(schema).or_err(Kind::Internal, || "the schema of an answer")?;
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    Ok(info.with_endpoint(endpoint).with_descriptor(descriptor).with_ordered(true))
}

/// The rows of a statement.
///
/// # Errors
/// As [`info`], or if its versions are gone.
pub(super) async fn rows(
    app: &App,
    running_now: &Running,
    asked: &Asked,
) -> Result<Response<Messages<FlightData>>, Status> {
    let deadline = Instant::now() + app.limits.timeout;
    // From here on it can be cancelled.
    let mut run = running_now.begin(&asked.id);
    let cancelled = run.cancelled.clone();
    let begun = async {
        let (reading, frame) = Planned::new(app, asked).await?.bound(asked.values.as_ref())?;
        let schema = columns(&frame);
        let batches = execute(frame, &reading.workers).await?;
        Ok((reading, schema, batches))
    };
    let begun = tokio::select! {
        biased;
        () = cancelled.cancelled() => Err(Status::cancelled("the query was cancelled")),
        begun = begun => begun.map_err(status),
    };
    let (reading, schema, batches) = begun.inspect_err(|_| run.ended = true)?;
    let mut response = Response::new(running(schema, reading.keep(batches.boxed()), deadline, run));
    say_reading(response.metadata_mut(), &reading.view).map_err(status)?;
    Ok(response)
}

/// Puts what was read among the headers, by the names they have over HTTP.
fn say_reading(headers: &mut MetadataMap, view: &View) -> Result<()> {
    let text = |text: &str| AsciiMetadataValue::try_from(text).or_err(Kind::Internal, || "a version as a header");
    headers.insert("lake-version", text(&view.version())?);
    headers.insert("lake-exact", text(if view.is_exact(&[]) { "true" } else { "false" })?);
    if let Some(time) = view.as_of_ms().and_then(DateTime::from_timestamp_millis) {
        headers.insert("lake-as-of", text(&time.to_rfc3339_opts(SecondsFormat::Millis, true))?);
    }
    Ok(())
}
