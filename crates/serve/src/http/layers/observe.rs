//! The observation of every request: its id, its log line and its metrics, until the last byte of its answer has been
//! sent or will not be.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::Stream;
use futures::StreamExt as _;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument as _, Span};

use super::admit::AdmittedClient;
use super::secret_mask::mask_secrets;
use crate::app::App;
use crate::http::connection::send_handle::SendHandle;
use crate::http::connection::socket::Peer;
use crate::http::endpoint::METRICS;
use crate::http::endpoints::changes::Live;
use crate::metrics::Metrics;
use crate::request_id::{RequestId, X_REQUEST_ID};

/// The target of the access log, which can be switched on and off separately.
pub(crate) const ACCESS: &str = "access";
/// The metrics label of unknown paths: the metrics must not grow with paths that clients invent.
const UNKNOWN_PATH: &str = "none";
/// How long a late answer may still be sent, such as the error that reports the delay.
const MIN_SEND_TIME: Duration = Duration::from_secs(1);

/// Answers a request under its name, watching.
pub(crate) async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = RequestId::from_headers(request.headers());
    // Of the highest level, so that an error's line has the name however little is logged.
    let span = tracing::error_span!("request", request_id = id.as_str());
    let exchange = Exchange::begin(&app, &request, span.clone());
    let response = id.clone().scope(next.run(request)).instrument(span).await;
    let mut response = exchange.observe_response(response);
    if let Some(id) = id.header() {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ExchangeEnd {
    /// The answer was sent completely.
    Sent,
    /// The client did not wait for it.
    Left,
    /// It broke off on our side.
    Broken,
}

/// A request and its answer. It is over when it is dropped.
struct Exchange {
    metrics: Metrics,
    span: Span,
    began: Instant,
    method: Method,
    version: Version,
    /// When the time of the request is over.
    deadline: Instant,
    /// None where no connection is behind it.
    send_handle: Option<SendHandle>,
    /// As the router has it.
    path: String,
    /// As the client has it, without secrets.
    address: String,
    status: Option<u16>,
    bytes: u64,
    admitted: Option<Arc<AdmittedClient>>,
    /// Cancelled when the server cuts off what is under way.
    abort: CancellationToken,
    end: ExchangeEnd,
}

impl Exchange {
    fn begin(app: &App, request: &Request, span: Span) -> Self {
        let metrics = app.metrics.clone();
        metrics.begin_request();
        let path = request.extensions().get::<MatchedPath>().map_or(UNKNOWN_PATH, MatchedPath::as_str).to_owned();
        Self {
            metrics,
            span,
            began: Instant::now(),
            method: request.method().clone(),
            version: request.version(),
            deadline: Instant::now() + app.limits.timeout,
            send_handle: SendHandle::current()
                .or_else(|| Some(request.extensions().get::<Peer>()?.send_handle.clone())),
            path,
            address: request.uri().path_and_query().map_or_else(String::new, |address| mask_secrets(address.as_str())),
            status: None,
            bytes: 0,
            admitted: None,
            abort: app.abort.clone(),
            end: ExchangeEnd::Left,
        }
    }

    /// Observes the answer until its last byte.
    fn observe_response(mut self, mut response: Response) -> Response {
        self.admitted = response.extensions_mut().remove::<Arc<AdmittedClient>>();
        // Data in one format must not be run as a script of another.
        let headers = response.headers_mut();
        headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        // The length differs from answer to answer, so `HEAD` must not declare that of another one.
        if self.method == Method::HEAD && self.path == METRICS {
            headers.remove(header::CONTENT_LENGTH);
        }
        let status = response.status().as_u16();
        self.status = Some(status);
        self.metrics.add_response(&self.path, status, media_type(&response));
        let length = response.body().size_hint().exact();
        // A body that is not sent is not polled.
        if length == Some(0) || self.method == Method::HEAD {
            self.end = ExchangeEnd::Sent;
            return response;
        }
        // A stream does not declare its length, so it is set here.
        if let Some(length) = length {
            response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
        }
        if length.is_none()
            && self.version <= Version::HTTP_10
            && let Some(send_handle) = &self.send_handle
        {
            send_handle.begin_unframed();
        }
        let limit = if response.extensions().get::<Live>().is_some() { None } else { self.abort_at_deadline() };
        response.map(|body| {
            Body::from_stream(ObservedBody { body: body.into_data_stream(), exchange: self, length, _deadline: limit })
        })
    }

    /// Aborts sending when the time limit of the request is reached, whether or not its body is polled.
    fn abort_at_deadline(&self) -> Option<AbortOnDropHandle<()>> {
        let send_handle = self.send_handle.clone()?;
        let deadline = self.deadline.max(Instant::now() + MIN_SEND_TIME);
        let limit = async move {
            sleep_until(deadline).await;
            tracing::warn!("the client did not read its answer within `timeout_ms` of /limits: the answer is aborted");
            send_handle.abort();
        };
        Some(AbortOnDropHandle::new(tokio::spawn(limit.instrument(self.span.clone()))))
    }
}

/// Returns the media type of an answer, without its parameters.
fn media_type(response: &Response) -> &str {
    let text = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.split(';').next()).map_or("none", str::trim)
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        self.metrics.end_request(&self.path, took, self.bytes);
        // An answer that the server aborts is dropped like one that is not read.
        let aborted = self.send_handle.as_ref().is_some_and(SendHandle::is_aborted);
        let abort = self.end == ExchangeEnd::Left && (aborted || self.abort.is_cancelled());
        let end = if abort { ExchangeEnd::Broken } else { self.end };
        match end {
            ExchangeEnd::Sent => {}
            ExchangeEnd::Left => self.metrics.add_unfinished("client"),
            ExchangeEnd::Broken => self.metrics.add_unfinished("server"),
        }
        let end = match end {
            ExchangeEnd::Sent => "sent",
            ExchangeEnd::Left => "the client left",
            ExchangeEnd::Broken => "broke off",
        };
        let client = self.admitted.as_ref().map(|admitted| admitted.client());
        tracing::info!(
            target: ACCESS,
            parent: &self.span,
            method = %self.method,
            path = self.address,
            status = self.status,
            bytes = self.bytes,
            elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            client = client.map(|client| client.address().to_string()),
            token = client.and_then(|client| client.name()),
            "{end}"
        );
    }
}

/// A body that reports to its exchange how it ends.
struct ObservedBody {
    body: BodyDataStream,
    exchange: Exchange,
    length: Option<u64>,
    /// The task that aborts sending at the time limit.
    _deadline: Option<AbortOnDropHandle<()>>,
}

impl Stream for ObservedBody {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let polled = {
            let body = &mut this.body;
            this.exchange.span.in_scope(|| body.poll_next_unpin(context))
        };
        let next = ready!(polled);
        match &next {
            None => {
                this.exchange.end = ExchangeEnd::Sent;
                if let Some(send_handle) = &this.exchange.send_handle {
                    send_handle.end_body();
                }
            }
            Some(Err(_)) => this.exchange.end = ExchangeEnd::Broken,
            Some(Ok(bytes)) => {
                this.exchange.bytes += bytes.len() as u64;
                // A body of known length is not polled after its end.
                if this.length == Some(this.exchange.bytes) {
                    this.exchange.end = ExchangeEnd::Sent;
                }
            }
        }
        Poll::Ready(next)
    }
}
