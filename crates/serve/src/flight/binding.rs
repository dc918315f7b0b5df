//! Input from clients: values for the placeholders of a prepared statement. Any other input would be a write.

use arrow_flight::sql::{Command, DoPutPreparedStatementResult};
use arrow_flight::{FlightData, PutResult};
use futures::TryStreamExt as _;
use lake_model::Error;
use prost::Message as _;
use tonic::{Response, Status, Streaming};

use super::bound_values::BoundValues;
use super::command::{command, name_of};
use super::statement_handle::StatementHandle;
use super::statements::PreparedQuery;
use super::status::{malformed, status, unsupported};
use super::stream::{Messages, single_message};
use crate::app::App;

/// Messages that a binding has at most: a schema and one row, with some to spare for those that hold neither.
const MAX_MESSAGES: usize = 16;

/// Takes what a client puts.
///
/// # Errors
/// If it is not a binding of values, or would write.
pub(super) async fn put(
    app: &App,
    mut messages: Streaming<FlightData>,
) -> Result<Response<Messages<PutResult>>, Status> {
    let first = messages.try_next().await?;
    let described = first.as_ref().and_then(|message| message.flight_descriptor.as_ref());
    let handle =
        match command(&described.ok_or_else(|| malformed("a stream without a descriptor"))?.cmd, "this descriptor")? {
            Command::CommandPreparedStatementQuery(statement) => statement.prepared_statement_handle,
            Command::CommandStatementUpdate(_) | Command::CommandPreparedStatementUpdate(_) => {
                return Err(status(Error::invalid("the lake is read-only: nothing is written over Flight SQL")));
            }
            other => return Err(unsupported(name_of(&other))),
        };
    let handle = StatementHandle::from_bytes(&handle, app.reader.lake().id(), "handle").map_err(status)?;
    let mut parts: Vec<FlightData> = first.into_iter().collect();
    while let Some(part) = messages.try_next().await? {
        parts.push(part);
        if parts.len() > MAX_MESSAGES {
            return Err(status(Error::invalid("a query takes one row of values; bind one row at a time")));
        }
    }
    let handle = handle.with_values(BoundValues::from_messages(&parts).map_err(status)?);
    // Values that do not fit are rejected here, where the client sent them.
    PreparedQuery::plan_bound(app, &handle).await.map_err(status)?;
    let result = DoPutPreparedStatementResult { prepared_statement_handle: Some(handle.to_bytes()) };
    Ok(Response::new(single_message(PutResult { app_metadata: result.encode_to_vec().into() })))
}
