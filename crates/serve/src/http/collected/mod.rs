//! Answers that are collected before their head is sent, so that they have a length, a strong tag and ranges (RFC 9110,
//! 14), and return the engine permit however slowly their client reads. An answer that is larger than
//! [`MAX_COLLECTED_BYTES`], or than the memory left for its client, is sent as it is made.

mod answer_cache;
mod answer_memory;
mod collected_answer;
mod conditions;
mod range;

use std::sync::Arc;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use futures::stream;
use lake_model::{Error, Kind};

pub(crate) use self::answer_cache::AnswerCache;
use self::answer_cache::{AnswerAddress, CachedAnswer};
use self::answer_memory::Reservation;
pub(crate) use self::answer_memory::{MAX_COLLECTED_BYTES, MAX_COLLECTED_TOTAL_BYTES};
use self::collected_answer::{Blocks, Collected, RequestHead, SERVER_TIMING};
use self::conditions::{allow_range, names_a_tag};
use self::range::{is_continuation, is_range};
use crate::access::Client;
use crate::app::App;
use crate::http::response::entity_tag::{find_client_tag, question_of};
use crate::problem::Problem;

/// Collects the answers of the paths below it, and answers ranges of them.
pub(super) async fn collect_answers(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let client = Client::current_key();
    let (mut parts, body) = request.into_parts();
    let request = RequestHead { method: parts.method.clone(), headers: parts.headers.clone() };
    if !request.is_read() {
        let response = next.run(Request::from_parts(parts, body)).await;
        return match collect(&app.answers, response, client, began).await {
            Ok(Outcome::Collected(answer)) => answer.respond_to_post(),
            Ok(Outcome::Other(response)) => response,
            Err(problem) => problem.into_response(),
        };
    }
    let address = AnswerAddress::new(&client, &parts);
    let known = app.answers.find(&address, began);
    if let Some(CachedAnswer { answer, is_checked: true }) = &known
        && request.method == Method::GET
        && is_continuation(&request.headers)
        && allow_range(&request.headers, answer.tag())
    {
        return answer.respond(&request, true);
    }
    // A kept answer is current if a conditional request with its tag would get 304.
    let known = known.map(|known| known.answer).filter(|answer| !answer.question().is_empty());
    if let Some(answer) = &known {
        parts.headers.append(header::IF_NONE_MATCH, answer.tag().clone());
    }
    // The length of an answer is known when it has been made.
    parts.method = Method::GET;
    let response = next.run(Request::from_parts(parts, body)).await;
    if response.status() == StatusCode::NOT_MODIFIED {
        let question = response.headers().get(header::ETAG).map(question_of).unwrap_or_default();
        return match known.filter(|answer| answer.question() == question) {
            Some(answer) => {
                app.answers.confirm(&address, began);
                answer.respond(&request, true)
            }
            None => with_tag_of_client(response, &request.headers),
        };
    }
    match collect(&app.answers, response, client, began).await {
        Ok(Outcome::Collected(answer)) => {
            let timing = answer.timing();
            let is_kept = request.method == Method::HEAD || is_range(&request.headers);
            let chosen = app.answers.insert(address, answer, is_kept, Instant::now());
            // Parts of this answer must not be put to those of another.
            let has_parts = chosen.is_same || !is_continuation(&request.headers) || names_a_tag(&request.headers);
            let mut response = chosen.answer.respond(&request, has_parts);
            if let Some(timing) = timing {
                response.headers_mut().insert(SERVER_TIMING, timing);
            }
            response
        }
        Ok(Outcome::Other(response)) => response,
        Err(problem) => problem.into_response(),
    }
}

impl RequestHead {
    fn is_read(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }
}

/// The outcome of collecting an answer.
enum Outcome {
    Collected(Arc<Collected>),
    /// It is too large, or none.
    Other(Response),
}

/// Collects an answer, if it is one.
///
/// # Errors
/// Where it breaks off before its head was sent.
async fn collect(
    answers: &AnswerCache,
    response: Response,
    client: Arc<str>,
    began: Instant,
) -> Result<Outcome, Problem> {
    if response.status() != StatusCode::OK {
        return Ok(Outcome::Other(response));
    }
    let (parts, body) = response.into_parts();
    let (mut blocks, mut reservation) = (Blocks::default(), answers.reserve(client));
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| problem(&error))?;
        let is_small = blocks.length() + chunk.len() <= MAX_COLLECTED_BYTES;
        if !is_small || !answers.grow(&mut reservation, chunk.len()) {
            let begun = blocks.into_parts().into_iter().chain([chunk]).map(Ok);
            let body = streamed(stream::iter(begun).chain(stream), reservation);
            return Ok(Outcome::Other(Response::from_parts(parts, body)));
        }
        blocks.push(&chunk);
    }
    // Its source is dropped, and the permit with it.
    drop(stream);
    Ok(Outcome::Collected(Arc::new(Collected::new(parts.headers, blocks, began, reservation)?)))
}

/// Returns a body that sends the collected part first, and then the rest as it is made.
fn streamed(
    chunks: impl futures::Stream<Item = Result<Bytes, axum::Error>> + Send + 'static,
    reservation: Reservation,
) -> Body {
    Body::from_stream(chunks.inspect(move |chunk| {
        let _held = &reservation;
        if let Err(error) = chunk {
            tracing::error!(%error, "an answer broke off");
        }
    }))
}

/// Returns the problem of an answer that failed before its head was sent.
fn problem(error: &axum::Error) -> Problem {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Problem::from(Error::new(error.kind(), error.message()));
        }
        cause = error.source();
    }
    Problem::from(Error::new(Kind::Internal, error.to_string()))
}

/// Names the answer that the client has by the tag that it has of it.
fn with_tag_of_client(mut response: Response, headers: &HeaderMap) -> Response {
    let question = response.headers().get(header::ETAG).map(question_of);
    if let Some(tag) = question.and_then(|question| find_client_tag(headers, question)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
