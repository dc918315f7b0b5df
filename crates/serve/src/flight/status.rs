//! Errors as gRPC clients see them: the code of their kind, and the text that HTTP gives as `detail`.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::response::Response;
use futures::FutureExt as _;
use lake_model::{Error, Kind};
use tokio::time::timeout;
use tonic::{Code, Status};

use crate::limits::timeout_error;

/// Bytes of a text that go into a status: it is sent in a header, and clients bound those, some at 8 KiB.
const MAX_TEXT_BYTES: usize = 2_000;

/// Converts an error to a status.
pub(super) fn status(error: Error) -> Status {
    if matches!(error.kind(), Kind::Internal | Kind::Data | Kind::Unavailable) {
        tracing::error!(%error, "a request failed");
    }
    let mut text = error.to_string();
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        text.push_str(" ...");
    }
    Status::new(Code::from_i32(error.kind().grpc_code()), text)
}

/// Returns the status for a feature of the protocol that this server does not support.
pub(super) fn unsupported(what: &str) -> Status {
    Status::unimplemented(format!(
        "{what} is not supported: the lake is read with SQL and never written over Flight SQL"
    ))
}

/// Returns the status for bytes that are not a valid message of the protocol.
pub(super) fn malformed(what: &str) -> Status {
    status(Error::invalid(format!("{what} is not valid in Flight SQL")))
}

/// Returns the answer; if it rejects a message of more than `most` bytes, with a status that names the limit. tonic
/// rejects such a message before a call begins, with a text that names no limit.
pub(super) fn with_limit_name(answer: Response, most: usize) -> Response {
    let code = answer.headers().get("grpc-status").and_then(|code| code.to_str().ok());
    // No kind of ours has this code.
    if code.is_none_or(|code| code != (Code::OutOfRange as i32).to_string()) {
        return answer;
    }
    let text = format!("a message may have {most} bytes (`max_body_bytes` of /limits)");
    status(Error::new(Kind::Exhausted, text)).into_http()
}

/// Runs a call, for this long at most. A bug in it fails this call and no other.
pub(super) async fn run_guarded<T>(most: Duration, call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    match timeout(most, AssertUnwindSafe(call).catch_unwind()).await {
        Ok(ended) => ended.unwrap_or_else(|cause| Err(panicked(&*cause))),
        Err(_) => Err(status(timeout_error())),
    }
}

/// Returns the status of a call that a bug ended.
pub(super) fn panicked(cause: &(dyn Any + Send)) -> Status {
    let text = cause.downcast_ref::<&str>().copied().or_else(|| cause.downcast_ref::<String>().map(String::as_str));
    tracing::error!(cause = text.unwrap_or("unknown"), "a request panicked");
    let text = "the request could not be answered because of a bug; the server's log has the cause";
    Status::new(Code::from_i32(Kind::Internal.grpc_code()), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_error_has_a_code_that_is_an_error() {
        for kind in Kind::all() {
            let code = status(Error::new(kind, "x")).code();
            assert!(!matches!(code, Code::Ok | Code::Unknown | Code::OutOfRange), "{kind:?} is {code:?}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let cut = status(Error::invalid("ü".repeat(5_000)));
        assert!(cut.message().len() <= MAX_TEXT_BYTES + 4);
    }

    #[tokio::test]
    async fn a_bug_in_a_call_is_its_own_error() {
        let ended = run_guarded::<()>(Duration::MAX, async { panic!("a bug") }).await.expect_err("an error");
        assert_eq!(ended.code(), Code::Internal);
    }
}
