//! Statements: planned, given a ticket, and answered.

use arrow::datatypes::SchemaRef;
use arrow_flight::sql::{ProstMessageExt as _, TicketStatementQuery};
use arrow_flight::{FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use lake_model::{Kind, Result, ResultExt};
use lake_query::LakeSnapshot;
use prost::Message as _;
use tokio::time::Instant;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Response, Status};

use super::bound_values::Values;
use super::running_answers::Running;
use super::statement_handle::Asked;
use super::status::status;
use super::stream::{Messages, running, sent_schema};
use crate::app::{App, Reading};
use crate::sql_worker::{self, Row, Sql, plan};

/// A statement that was planned over a reading.
pub(super) struct Planned {
    reading: Reading,
    planned: sql_worker::Planned,
}

impl Planned {
    /// Plans a statement over the versions that it names, or the newest, and leaves its values open.
    ///
    /// # Errors
    /// If the SQL is wrong or would change anything, or the versions are gone.
    pub(super) async fn unbound(app: &App, asked: &Asked) -> Result<Self> {
        Self::new(app, asked, sql_worker::Values::Unbound).await
    }

    /// The same with its values in their places.
    ///
    /// # Errors
    /// As [`Self::unbound`], or if a place has no value, or one that does not fit.
    pub(super) async fn bound(app: &App, asked: &Asked) -> Result<Self> {
        let values = asked.values.as_ref().map(Values::read).transpose()?.unwrap_or_default();
        Self::new(app, asked, sql_worker::Values::Row(Row::new(values)?)).await
    }

    async fn new(app: &App, asked: &Asked, values: sql_worker::Values) -> Result<Self> {
        let reading = match asked.versions()? {
            Some(versions) => app.reading_pinned(&versions).await?,
            None => app.reading().await?,
        };
        let planned = plan(&reading, Sql::Text(asked.sql.clone()), values).await?;
        Ok(Self { reading, planned })
    }

    /// The places for values, with the types that the SQL tells.
    pub(super) fn placeholders(&self) -> &SchemaRef {
        &self.planned.placeholders
    }

    /// The columns of the answer, as they are sent.
    pub(super) fn schema(&self) -> SchemaRef {
        sent_schema(&self.planned.columns)
    }
}

/// What a client asks a statement's rows with.
///
/// # Errors
/// If the SQL is wrong, would change anything, or lacks values.
pub(super) async fn info(app: &App, asked: Asked, descriptor: FlightDescriptor) -> Result<Response<FlightInfo>> {
    let planned = Planned::bound(app, &asked).await?;
    let handle = asked.pinned(&planned.reading.view.versions()).write();
    let ticket = TicketStatementQuery { statement_handle: handle }.as_any().encode_to_vec().into();
    let mut response = Response::new(described(&planned.schema(), ticket, descriptor)?);
    say_reading(response.metadata_mut(), &planned.reading.view)?;
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
        let planned = Planned::bound(app, asked).await?;
        let schema = planned.schema();
        Ok((planned.reading, schema, planned.planned.all_rows().await?))
    };
    let begun = tokio::select! {
        biased;
        () = cancelled.cancelled() => Err(Status::cancelled("the query was cancelled")),
        begun = begun => begun.map_err(status),
    };
    let (reading, schema, batches) = begun.inspect_err(|_| run.ended = true)?;
    let mut response = Response::new(running(schema, reading.keep(batches), deadline, run));
    say_reading(response.metadata_mut(), &reading.view).map_err(status)?;
    Ok(response)
}

/// Puts what was read among the headers, by the names they have over HTTP.
fn say_reading(headers: &mut MetadataMap, view: &LakeSnapshot) -> Result<()> {
    let text = |text: &str| AsciiMetadataValue::try_from(text).or_err(Kind::Internal, || "a version as a header");
    headers.insert("lake-version", text(&view.version())?);
    headers.insert("lake-exact", text(if view.is_exact(&[]) { "true" } else { "false" })?);
    if let Some(time) = view.as_of_ms().and_then(DateTime::from_timestamp_millis) {
        headers.insert("lake-as-of", text(&time.to_rfc3339_opts(SecondsFormat::Millis, true))?);
    }
    Ok(())
}
