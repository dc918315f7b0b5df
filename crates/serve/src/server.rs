//! The server: a listening socket, the work of one process behind it, and its end.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lake_model::{Kind, Result, ResultExt};
use lake_query::{Reader, View};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::routes::router;

/// What a request may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// Rows of an answer where the request names no limit.
    pub default_limit: usize,
    /// The greatest limit a request may name, rows.
    pub max_limit: usize,
    /// The largest body of a request, bytes.
    pub max_body_bytes: usize,
    /// The most positions of a polygon.
    pub max_corners: usize,
    /// How long requests under way may take once the server is told to stop.
    pub drain: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            default_limit: 100_000,
            max_limit: 1_000_000,
            max_body_bytes: 1 << 20,
            max_corners: 10_000,
            drain: Duration::from_secs(10),
        }
    }
}

/// What every request sees.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) reader: Arc<Reader>,
    pub(crate) options: ServeOptions,
}

impl App {
    /// The names of all resources: those in the lake and those of the catalog.
    pub(crate) fn resource_names<'a>(&'a self, view: &'a View) -> BTreeSet<&'a str> {
        let known = self.reader.catalog().iter().map(|resource| resource.name.as_str());
        known.chain(view.resources.keys().map(String::as_str)).collect()
    }
}

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
    /// [`ServeOptions::drain`] at most.
    ///
    /// # Errors
    /// If the socket fails.
    pub async fn run(self, reader: Arc<Reader>, options: ServeOptions, stop: CancellationToken) -> Result<()> {
        let drain = options.drain;
        let router = router(Arc::new(App { reader, options }));
        let serving = axum::serve(self.listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
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
