//! Commands of Flight SQL, as they are in descriptors and tickets.

use arrow_flight::sql::{Any, Command};
use prost::Message as _;
use tonic::Status;

use super::status::{malformed, unsupported};

/// Returns the name of a command, for errors.
pub(super) fn name_of(command: &Command) -> &str {
    command.type_url().rsplit('.').next().unwrap_or_default()
}

/// Decodes a command; `what` names the bytes in errors.
pub(super) fn command(bytes: &[u8], what: &str) -> Result<Command, Status> {
    let command = Any::decode(bytes).ok().filter(|any| !any.type_url.is_empty());
    command.and_then(|any| Command::try_from(any).ok()).ok_or_else(|| malformed(what))
}

/// Rejects a statement that declares to be part of a transaction.
pub(super) fn no_transaction(id: Option<&[u8]>) -> Result<(), Status> {
    if id.is_some_and(|id| !id.is_empty()) { Err(unsupported("a transaction")) } else { Ok(()) }
}
