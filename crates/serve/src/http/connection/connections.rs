//! The connections of clients: each is served until it ends, and none is kept for a request that never comes whole or an
//! answer that is never read.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::serve::Listener as _;
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::send_handle::{ConnectionState, Sending};
use super::socket::{Peer, Socket, Stream};
use super::transport::Transport;

/// How long a client may take for the head of a request, from the end of the one before it.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// Streams of one connection at a time, over HTTP/2.
const MAX_STREAMS: u32 = 128;
/// The head of a request over HTTP/2: its address and headers.
const MAX_HEAD_BYTES: u32 = 128 << 10;
/// What a stream of HTTP/2 buffers for a client that does not read.
const MAX_UNREAD_BYTES: usize = 64 << 10;
/// Streams that a client has reset and that have not been looked at yet: with more the connection ends.
const MAX_RESET_STREAMS: usize = 20;
/// Streams that were reset because of what the client sent: with more the connection ends.
const MAX_FAILED_STREAMS: usize = 256;
/// A client over HTTP/2 that does not answer for so long is gone.
const PING_EVERY: Duration = Duration::from_secs(30);
const PONG_WITHIN: Duration = Duration::from_secs(20);

/// How long the client of a connection may take.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// For the head of a request.
    head: Duration,
    /// To read what it is sent.
    read: Duration,
}

/// Answers requests until `stop` is cancelled; then takes no new ones, and ends with the last of those under way. The head
/// of a request comes within `within`, if that is less than half a minute. `cut` ends them where they are.
pub(crate) async fn serve(
    mut socket: Socket,
    router: Router,
    within: Duration,
    stop: CancellationToken,
    cut: CancellationToken,
) {
    let times = Times { head: within.min(HEAD_WITHIN), read: within };
    let connections = TaskTracker::new();
    loop {
        let (stream, addr) = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop.cancelled() => break,
        };
        connections.spawn(converse(stream, addr, router.clone(), times, stop.clone(), cut.clone()));
    }
    drop(socket);
    connections.close();
    connections.wait().await;
}

/// Serves a connection to its end.
async fn converse(
    stream: Stream,
    address: SocketAddr,
    router: Router,
    times: Times,
    stop: CancellationToken,
    cut: CancellationToken,
) {
    let state = Arc::new(ConnectionState::default());
    let sending = Sending::new(Arc::clone(&state));
    let transport = Transport::new(stream, Arc::clone(&state), times.head, times.read);
    let peer = Peer { address, sending: sending.clone() };
    let service = TowerToHyperService::new(router.layer(Extension(peer)));
    let builder = builder(times, Streams(Arc::clone(&state)));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(transport), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = sending.aborted() => return,
        () = stopped_or_idle(&stop, &state, times.head) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = sending.aborted() => return,
                () = cut.cancelled() => return,
                // What was buffered for streams that were aborted is never sent to a client that does not read.
                () = state.idle(times.head) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%address, %error, "a connection broke off");
    }
}

async fn stopped_or_idle(stop: &CancellationToken, state: &ConnectionState, idle: Duration) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = state.idle(idle) => {}
    }
}

fn builder(times: Times, streams: Streams) -> Builder<Streams> {
    let mut builder = Builder::new(streams);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(times.head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_send_buf_size(MAX_UNREAD_BYTES)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .max_local_error_reset_streams(MAX_FAILED_STREAMS)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}

/// Runs the streams of a connection over HTTP/2, each as a task that its sending can end.
#[derive(Clone, Debug)]
struct Streams(Arc<ConnectionState>);

impl<F> Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let guard = self.0.begin_stream();
        let sending = Sending::new(Arc::clone(&self.0));
        tokio::spawn(async move {
            sending.serve_stream(stream).await;
            drop(guard);
        });
    }
}
