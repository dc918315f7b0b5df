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

use super::bound_values::BoundValues;
use super::running_answers::RunningAnswers;
use super::statement_handle::StatementHandle;
use super::status::status;
use super::stream::{Messages, sent_schema, stream_batches};
use crate::app::{App, RequestContext};
use crate::sql_worker::{self, Row, Sql, plan};

/// A statement that was planned over a snapshot.
pub(super) struct PreparedQuery {
    context: RequestContext,
    planned: sql_worker::PlannedStatement,
}

impl PreparedQuery {
    /// Plans a statement over the versions that it names, or the newest, and leaves its values open.
    ///
    /// # Errors
    /// If the SQL is wrong or would change anything, or the versions are gone.
    pub(super) async fn plan_unbound(app: &App, handle: &StatementHandle) -> Result<Self> {
        Self::new(app, handle, sql_worker::StatementValues::Unbound).await
    }

    /// Plans the statement with its values bound.
    ///
    /// # Errors
    /// As [`Self::plan_unbound`], or if a place has no value, or one that does not fit.
    pub(super) async fn plan_bound(app: &App, handle: &StatementHandle) -> Result<Self> {
        let values = handle.values.as_ref().map(BoundValues::read).transpose()?.unwrap_or_default();
        Self::new(app, handle, sql_worker::StatementValues::Row(Row::new(values)?)).await
    }

    async fn new(app: &App, handle: &StatementHandle, values: sql_worker::StatementValues) -> Result<Self> {
        let context = match handle.versions()? {
            Some(versions) => app.open_context_pinned(&versions).await?,
            None => app.open_context().await?,
        };
        let planned = plan(&context, Sql::Text(handle.sql.clone()), values).await?;
        Ok(Self { context, planned })
    }

    /// Returns the placeholders for values, with the types that the SQL determines.
    pub(super) fn placeholders(&self) -> &SchemaRef {
        &self.planned.placeholders
    }

    /// Returns the columns of the answer, as they are sent.
    pub(super) fn schema(&self) -> SchemaRef {
        sent_schema(&self.planned.columns)
    }
}

/// Plans a statement, and returns the ticket and schema with which a client requests its rows.
///
/// # Errors
/// If the SQL is wrong, would change anything, or lacks values.
pub(super) async fn plan_flight_info(
    app: &App,
    handle: StatementHandle,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>> {
    let planned = PreparedQuery::plan_bound(app, &handle).await?;
    let handle = handle.with_versions(&planned.context.snapshot.versions()).to_bytes();
    let ticket = TicketStatementQuery { statement_handle: handle }.as_any().encode_to_vec().into();
    let mut response = Response::new(flight_info(&planned.schema(), ticket, descriptor)?);
    insert_lake_metadata(response.metadata_mut(), &planned.context.snapshot)?;
    Ok(response)
}

/// Returns a `FlightInfo` with one endpoint, this server, whose rows have these columns.
///
/// # Errors
/// If a type has no place in the schema.
pub(super) fn flight_info(schema: &SchemaRef, ticket: Bytes, descriptor: FlightDescriptor) -> Result<FlightInfo> {
    let info = FlightInfo::new().try_with_schema(schema).or_err(Kind::Internal, || "the schema of an answer")?;
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    Ok(info.with_endpoint(endpoint).with_descriptor(descriptor).with_ordered(true))
}

/// Returns the rows of a statement.
///
/// # Errors
/// As [`plan_flight_info`], or if its versions are gone.
pub(super) async fn rows(
    app: &App,
    running_now: &RunningAnswers,
    handle: &StatementHandle,
) -> Result<Response<Messages<FlightData>>, Status> {
    let deadline = Instant::now() + app.limits.timeout;
    // From here on it can be cancelled.
    let mut run = running_now.begin(&handle.id);
    let cancelled = run.cancelled.clone();
    let begun = async {
        let planned = PreparedQuery::plan_bound(app, handle).await?;
        let schema = planned.schema();
        Ok((planned.context, schema, planned.planned.all_rows().await?))
    };
    let begun = tokio::select! {
        biased;
        () = cancelled.cancelled() => Err(Status::cancelled("the query was cancelled")),
        begun = begun => begun.map_err(status),
    };
    let (context, schema, batches) = begun.inspect_err(|_| run.ended = true)?;
    let mut response = Response::new(stream_batches(schema, context.keep(batches), deadline, run));
    insert_lake_metadata(response.metadata_mut(), &context.snapshot).map_err(status)?;
    Ok(response)
}

/// Puts what was read among the headers, by the names they have over HTTP.
fn insert_lake_metadata(headers: &mut MetadataMap, snapshot: &LakeSnapshot) -> Result<()> {
    let text = |text: &str| AsciiMetadataValue::try_from(text).or_err(Kind::Internal, || "a version as a header");
    headers.insert("lake-version", text(&snapshot.version())?);
    headers.insert("lake-exact", text(if snapshot.is_exact(&[]) { "true" } else { "false" })?);
    if let Some(time) = snapshot.as_of_ms().and_then(DateTime::from_timestamp_millis) {
        headers.insert("lake-as-of", text(&time.to_rfc3339_opts(SecondsFormat::Millis, true))?);
    }
    Ok(())
}
