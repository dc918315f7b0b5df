//! The connections of clients: each is served until it ends, and is closed if a request does not arrive completely or
//! an answer is not read.

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

use super::send_handle::{ConnectionState, SendHandle};
use super::socket::{Peer, Socket, Stream};
use super::transport::Transport;

/// How long a client may take for the head of a request, from the end of the one before it.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Streams of one connection at a time, over HTTP/2.
const MAX_STREAMS: u32 = 128;
/// The head of a request over HTTP/2: its address and headers.
const MAX_HEAD_BYTES: u32 = 128 << 10;
/// The buffer of an HTTP/2 stream for a client that does not read, bytes.
const MAX_UNREAD_BYTES: usize = 64 << 10;
/// Streams that a client has reset and that have not been looked at yet: with more the connection ends.
const MAX_RESET_STREAMS: usize = 20;
/// Streams that were reset because of the client's input: with more the connection ends.
const MAX_FAILED_STREAMS: usize = 256;
/// A client over HTTP/2 that does not answer for so long is gone.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long the client of a connection may take.
#[derive(Clone, Copy, Debug)]
struct ClientTimeouts {
    /// For the head of a request.
    head: Duration,
    /// To read what it is sent.
    read: Duration,
}

/// Answers requests until `stop` is cancelled; then takes no new ones, and ends with the last of those under way. The head
/// of a request comes within `timeout`, if that is less than half a minute. `abort` ends them where they are.
pub(crate) async fn serve(
    mut socket: Socket,
    router: Router,
    timeout: Duration,
    stop: CancellationToken,
    abort: CancellationToken,
) {
    let timeouts = ClientTimeouts { head: timeout.min(HEAD_TIMEOUT), read: timeout };
    let connections = TaskTracker::new();
    loop {
        let (stream, addr) = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop.cancelled() => break,
        };
        connections.spawn(serve_connection(stream, addr, router.clone(), timeouts, stop.clone(), abort.clone()));
    }
    drop(socket);
    connections.close();
    connections.wait().await;
}

/// Serves a connection to its end.
async fn serve_connection(
    stream: Stream,
    address: SocketAddr,
    router: Router,
    timeouts: ClientTimeouts,
    stop: CancellationToken,
    abort: CancellationToken,
) {
    let state = Arc::new(ConnectionState::default());
    let send_handle = SendHandle::new(Arc::clone(&state));
    let transport = Transport::new(stream, Arc::clone(&state), timeouts.head, timeouts.read);
    let peer = Peer { address, send_handle: send_handle.clone() };
    let service = TowerToHyperService::new(router.layer(Extension(peer)));
    let connection_builder = connection_builder(timeouts, StreamExecutor(Arc::clone(&state)));
    let mut connection = pin!(connection_builder.serve_connection(TokioIo::new(transport), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = send_handle.aborted() => return,
        () = stopped_or_idle(&stop, &state, timeouts.head) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = send_handle.aborted() => return,
                () = abort.cancelled() => return,
                // Bytes that were buffered for aborted streams are never sent to a client that does not read.
                () = state.wait_until_idle(timeouts.head) => return,
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
        () = state.wait_until_idle(idle) => {}
    }
}

fn connection_builder(timeouts: ClientTimeouts, streams: StreamExecutor) -> Builder<StreamExecutor> {
    let mut connection_builder = Builder::new(streams);
    connection_builder.http1().timer(TokioTimer::new()).header_read_timeout(timeouts.head);
    connection_builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES)
        .max_send_buf_size(MAX_UNREAD_BYTES)
        .max_pending_accept_reset_streams(MAX_RESET_STREAMS)
        .max_local_error_reset_streams(MAX_FAILED_STREAMS)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    connection_builder
}

/// Runs the streams of a connection over HTTP/2, each as a task that its sending can end.
#[derive(Clone, Debug)]
struct StreamExecutor(Arc<ConnectionState>);

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let guard = self.0.begin_stream();
        let send_handle = SendHandle::new(Arc::clone(&self.0));
        tokio::spawn(async move {
            send_handle.serve_stream(stream).await;
            drop(guard);
        });
    }
}
