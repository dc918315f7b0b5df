//! The connections of clients: each is served until it ends, and none is kept for a request that never comes whole.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Extension};
use axum::serve::Listener as _;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::socket::{Peer, Socket};

/// How long a client may take for the head of a request, from the end of the one before it.
const HEAD_WITHIN: Duration = Duration::from_secs(30);

/// Answers requests until `stop` is cancelled; then takes no new ones, and ends with the last of those under way. The head
/// of a request comes within `within`, if that is less than half a minute. `cut` ends them where they are.
pub(crate) async fn serve(
    mut socket: Socket,
    router: Router,
    within: Duration,
    stop: CancellationToken,
    cut: CancellationToken,
) {
    // Who begins in HTTP/2 could take as long as they like to say so.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(within.min(HEAD_WITHIN));
    let connections = TaskTracker::new();
    loop {
        let (stream, addr) = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let service = TowerToHyperService::new(router.clone().layer(Extension(ConnectInfo(Peer(addr)))));
        let (builder, stop, cut) = (builder.clone(), stop.clone(), cut.clone());
        connections.spawn(async move {
            let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection => ended,
                        () = cut.cancelled() => return,
                    }
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%addr, %error, "a connection broke off");
            }
        });
    }
    drop(socket);
    connections.close();
    connections.wait().await;
}
