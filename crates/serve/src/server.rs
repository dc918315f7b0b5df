//! The server: a listening socket, the work of one process behind it, and its end.

use std::net::SocketAddr;
use std::sync::Arc;

use lake_model::{Kind, Result, ResultExt};
use lake_query::Reader;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::app::App;
use crate::http::router;
use crate::limits::Limits;
use crate::span;

/// The HTTP interface, listening but not yet answering.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Server {
    /// Listens on `addr`; port 0 takes a free one.
    ///
    /// # Errors
    /// If the address is taken or not this machine's.
    pub async fn bind(addr: SocketAddr) -> Result<Self> {
        let failed = || format!("listening on {addr} (name another address with --http)");
        let listener = TcpListener::bind(addr).await.or_err(Kind::Invalid, failed)?;
        let addr = listener.local_addr().or_err(Kind::Internal, failed)?;
        Ok(Self { listener, addr })
    }

    /// The address, with the real port.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers requests until `stop` is cancelled; then takes no new ones and lets those under way end, for
    /// [`Limits::drain`] at most.
    ///
    /// # Errors
    /// If the socket fails.
    pub async fn run(self, reader: Arc<Reader>, access: Access, limits: Limits, stop: CancellationToken) -> Result<()> {
        span::carry_into_tasks();
        let drain = limits.drain;
        let router = router(Arc::new(App::new(reader, access, limits, stop.clone())));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = axum::serve(self.listener, service).with_graceful_shutdown(stop.clone().cancelled_owned());
        let deadline = async {
            stop.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        tokio::select! {
            ended = serving.into_future() => ended.or_err(Kind::Unavailable, || format!("serving on {}", self.addr)),
            () = deadline => {
                tracing::warn!("requests were still under way {} s after the stop; they are cut off", drain.as_secs());
                Ok(())
            }
        }
    }
}
