//! The actions: prepared statements and cancellation.

use arrow_flight::sql::{
    ActionCancelQueryRequest, ActionCancelQueryResult, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any, Command, ProstMessageExt,
};
use arrow_flight::{Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo};
use futures::{StreamExt as _, stream};
use prost::Message as _;
use tonic::{Response, Status};

use super::command::{command, no_transaction};
use super::running_answers::RunningAnswers;
use super::statement_handle::StatementHandle;
use super::statements::PreparedQuery;
use super::status::{malformed, status, unsupported};
use super::stream::{Messages, schema_bytes, single_message};
use crate::app::App;

const CREATE: &str = "CreatePreparedStatement";
const CLOSE: &str = "ClosePreparedStatement";
const CANCEL_QUERY: &str = "CancelQuery";
const CANCEL_INFO: &str = "CancelFlightInfo";

/// Returns the actions of this server.
pub(super) fn list() -> impl Iterator<Item = ActionType> + Send + 'static {
    let all = [
        (CREATE, "Plans a statement with placeholders for values, ? or $1; its handle contains the statement"),
        (CLOSE, "Does nothing, as nothing is kept"),
        (CANCEL_INFO, "Ends the answers to the tickets of a FlightInfo"),
        (CANCEL_QUERY, "The same, for older clients"),
    ];
    all.into_iter().map(|(name, about)| ActionType { r#type: name.to_owned(), description: about.to_owned() })
}

/// Runs an action.
///
/// # Errors
/// If there is no such action, or its request is malformed.
pub(super) async fn run(
    app: &App,
    running: &RunningAnswers,
    action: Action,
) -> Result<Response<Messages<arrow_flight::Result>>, Status> {
    let results = match action.r#type.as_str() {
        CREATE => {
            let request: ActionCreatePreparedStatementRequest = unpack(&action)?;
            no_transaction(request.transaction_id.as_deref())?;
            result(&prepare_statement(app, request.query).await?.as_any())
        }
        CLOSE => {
            let request: ActionClosePreparedStatementRequest = unpack(&action)?;
            StatementHandle::from_bytes(&request.prepared_statement_handle, app.reader.lake().id(), "handle")
                .map_err(status)?;
            stream::empty().boxed()
        }
        CANCEL_QUERY => {
            let request: ActionCancelQueryRequest = unpack(&action)?;
            let info = FlightInfo::decode(request.info).map_err(|_| malformed("the FlightInfo"))?;
            let result_code = cancel_answers(app, running, &info)? as i32;
            result(&ActionCancelQueryResult { result: result_code }.as_any())
        }
        CANCEL_INFO => {
            let request = CancelFlightInfoRequest::decode(action.body).map_err(|_| malformed("the request"))?;
            let status = cancel_answers(app, running, &request.info.unwrap_or_default())?;
            result(&CancelFlightInfoResult { status: status.into() })
        }
        other => return Err(unsupported(&format!("the action `{other}`"))),
    };
    Ok(Response::new(results))
}

fn unpack<M: ProstMessageExt>(action: &Action) -> Result<M, Status> {
    let any = Any::decode(action.body.clone()).ok().and_then(|any| any.unpack().ok().flatten());
    any.ok_or_else(|| malformed("the body of the action"))
}

fn result(message: &impl prost::Message) -> Messages<arrow_flight::Result> {
    single_message(arrow_flight::Result { body: message.encode_to_vec().into() })
}

async fn prepare_statement(app: &App, query: String) -> Result<ActionCreatePreparedStatementResult, Status> {
    let handle = StatementHandle::new(app.reader.lake().id(), query);
    let planned = PreparedQuery::plan_unbound(app, &handle).await.map_err(status)?;
    Ok(ActionCreatePreparedStatementResult {
        prepared_statement_handle: handle.to_bytes(),
        dataset_schema: schema_bytes(&planned.schema()).map_err(status)?,
        // Where the SQL does not determine a type, any type is accepted.
        parameter_schema: schema_bytes(planned.placeholders()).map_err(status)?,
    })
}

/// Cancels the answers to the tickets of `info`. The two results that report this have the same numbers.
fn cancel_answers(app: &App, running: &RunningAnswers, info: &FlightInfo) -> Result<CancelStatus, Status> {
    let mut found = false;
    for ticket in info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.as_ref()) {
        let Command::TicketStatementQuery(ticket) = command(&ticket.ticket, "a ticket of the FlightInfo")? else {
            continue;
        };
        let handle =
            StatementHandle::from_bytes(&ticket.statement_handle, app.reader.lake().id(), "ticket").map_err(status)?;
        found |= running.cancel(&handle.id);
    }
    Ok(if found { CancelStatus::Cancelled } else { CancelStatus::NotCancellable })
}
