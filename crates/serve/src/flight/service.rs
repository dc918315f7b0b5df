//! The calls of the protocol, each passed to its implementation.
//!
//! The trait of Flight itself is implemented rather than `FlightSqlService`: that one has a method for each command,
//! twice, answers `GetSchema` with "not implemented", and lists actions that this server does not have.

use std::future::Future;
use std::sync::Arc;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::Command;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse,
    PollInfo, PutResult, SchemaResult, Ticket,
};
use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use lake_model::{Kind, ResultExt};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Request, Response, Status, Streaming};
use tracing::{Instrument as _, Span};

use super::command::{command, name_of, no_transaction};
use super::running_answers::RunningAnswers;
use super::statement_handle::StatementHandle;
use super::statements::{PreparedQuery, flight_info};
use super::status::{malformed, run_guarded, status, unsupported};
use super::stream::{Messages, schema_bytes, single_batch, single_message};
use super::{actions, authentication, binding, commands, statements};
use crate::access::Permit;
use crate::app::App;
use crate::request_id::RequestId;

/// Flight SQL over one lake.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) app: Arc<App>,
    pub(super) running: RunningAnswers,
}

impl Service {
    pub(super) fn new(app: Arc<App>) -> Self {
        Self { app, running: RunningAnswers::default() }
    }

    /// Returns the id of the lake, which tickets contain.
    pub(super) fn lake(&self) -> &str {
        self.app.reader.lake().id()
    }

    /// Answers a call, if the client may ask.
    async fn call<R, T, F>(&self, request: Request<R>, answer: impl FnOnce(R) -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let span = span(request.metadata());
        let (client, _permit) = authentication::admit(&self.app, request.metadata(), request.remote_addr())?;
        // Plans are large; on the heap they do not enlarge the futures that wait for them.
        let answer = Box::pin(client.scope(answer(request.into_inner())));
        run_guarded(self.app.limits.timeout, answer).instrument(span).await
    }

    async fn info(&self, descriptor: FlightDescriptor) -> Result<Response<FlightInfo>, Status> {
        let handle = match command(&descriptor.cmd, "this descriptor")? {
            Command::CommandStatementQuery(statement) => {
                no_transaction(statement.transaction_id.as_deref())?;
                StatementHandle::new(self.lake(), statement.query)
            }
            Command::CommandPreparedStatementQuery(statement) => {
                StatementHandle::from_bytes(&statement.prepared_statement_handle, self.lake(), "handle")
                    .map_err(status)?
            }
            command => {
                let ticket = descriptor.cmd.clone();
                let rows = self.read_lake_rows(&command).await?;
                return Ok(Response::new(flight_info(&rows.schema(), ticket, descriptor).map_err(status)?));
            }
        };
        statements::plan_flight_info(&self.app, handle, descriptor).await.map_err(status)
    }

    async fn schema(&self, descriptor: FlightDescriptor) -> Result<Response<SchemaResult>, Status> {
        let handle = match command(&descriptor.cmd, "this descriptor")? {
            Command::CommandStatementQuery(statement) => StatementHandle::new(self.lake(), statement.query),
            Command::CommandPreparedStatementQuery(statement) => {
                StatementHandle::from_bytes(&statement.prepared_statement_handle, self.lake(), "handle")
                    .map_err(status)?
            }
            command => {
                let schema = schema_bytes(&self.read_lake_rows(&command).await?.schema()).map_err(status)?;
                return Ok(Response::new(SchemaResult { schema }));
            }
        };
        let planned = match &handle.values {
            None => PreparedQuery::plan_unbound(&self.app, &handle).await,
            Some(_) => PreparedQuery::plan_bound(&self.app, &handle).await,
        };
        let columns = planned.map_err(status)?.schema();
        Ok(Response::new(SchemaResult { schema: schema_bytes(&columns).map_err(status)? }))
    }

    async fn rows(&self, ticket: Ticket) -> Result<Response<Messages<FlightData>>, Status> {
        let (bytes, what) = match command(&ticket.ticket, "this ticket")? {
            Command::TicketStatementQuery(ticket) => (ticket.statement_handle, "ticket"),
            Command::CommandPreparedStatementQuery(statement) => (statement.prepared_statement_handle, "handle"),
            command => return Ok(Response::new(single_batch(self.read_lake_rows(&command).await?))),
        };
        let handle = StatementHandle::from_bytes(&bytes, self.lake(), what).map_err(status)?;
        statements::rows(&self.app, &self.running, &handle).await
    }

    /// Returns the rows of a command about the lake.
    async fn read_lake_rows(&self, command: &Command) -> Result<arrow::array::RecordBatch, Status> {
        let rows = commands::rows(&self.app, command).await.map_err(status)?;
        rows.ok_or_else(|| match command {
            Command::Unknown(_) => malformed("the command"),
            other => unsupported(name_of(other)),
        })
    }
}

/// Returns the span that names the call in each of its log lines.
fn span(headers: &MetadataMap) -> Span {
    tracing::error_span!("request", request_id = RequestId::from_headers(headers.as_ref()).as_str())
}

/// Holds a permit until the deadline, or until the handle is dropped.
fn hold_until(permit: Permit, deadline: Instant) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        sleep_until(deadline).await;
        drop(permit);
    }))
}

#[async_trait]
impl FlightService for Service {
    type HandshakeStream = Messages<HandshakeResponse>;
    type ListFlightsStream = Messages<FlightInfo>;
    type DoGetStream = Messages<FlightData>;
    type DoPutStream = Messages<PutResult>;
    type DoExchangeStream = Messages<FlightData>;
    type DoActionStream = Messages<arrow_flight::Result>;
    type ListActionsStream = Messages<ActionType>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        let bearer = authentication::bearer(request.metadata()).map_err(status)?;
        let header = AsciiMetadataValue::try_from(&bearer);
        let header = header.or_err(Kind::Unauthenticated, || "the token").map_err(status)?;
        let mut sent = request.metadata().clone();
        sent.insert("authorization", header.clone());
        let _permit = authentication::admit(&self.app, &sent, request.remote_addr())?;
        let mut response = Response::new(single_message(HandshakeResponse::default()));
        response.metadata_mut().insert("authorization", header);
        Ok(response)
    }

    async fn list_flights(&self, request: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        self.call(request, |_| async { Err(unsupported("ListFlights")) }).await
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        self.call(request, |descriptor| self.info(descriptor)).await
    }

    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        self.call(request, |_| async { Err(unsupported("PollFlightInfo")) }).await
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        self.call(request, |descriptor| self.schema(descriptor)).await
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let span = span(request.metadata());
        let (client, permit) = authentication::admit(&self.app, request.metadata(), request.remote_addr())?;
        let answer = Box::pin(client.scope(self.rows(request.into_inner())));
        let timeout = self.app.limits.timeout;
        let deadline = Instant::now() + timeout;
        let response = run_guarded(timeout, answer).instrument(span).await?;
        // The permit lasts as long as the answer, and no longer than its time limit: the body of an answer that is not
        // read is not polled.
        let held = hold_until(permit, deadline);
        Ok(response.map(|rows| rows.inspect(move |_| _ = &held).boxed()))
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        self.call(request, |messages| binding::put(&self.app, messages)).await
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        self.call(request, |_| async { Err(unsupported("DoExchange")) }).await
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        self.call(request, |action| actions::run(&self.app, &self.running, action)).await
    }

    async fn list_actions(&self, request: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        self.call(request, |_| async { Ok(Response::new(stream::iter(actions::list().map(Ok)).boxed())) }).await
    }
}
