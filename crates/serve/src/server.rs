//! The server: its listening sockets, the work of one process behind them, and their end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Extension;
use lake_model::{Kind, Result, ResultExt};
use lake_query::{Queries, Reader};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::app::App;
use crate::base_map::BaseMap;
use crate::flight::FlightListener;
use crate::http::{MapPage, Scheme, Socket, router, serve};
use crate::limits::Limits;
use crate::task_spans;
use crate::tls::Identity;

/// How long requests that were aborted at the end may take to log it.
const ABORT_LOG_TIMEOUT: Duration = Duration::from_secs(1);

/// The HTTP interface, and Flight SQL if requested, listening but not yet answering.
#[derive(Debug)]
pub struct Server {
    socket: Socket,
    addr: SocketAddr,
    scheme: &'static str,
    flight: Option<FlightListener>,
    base_map: Option<BaseMap>,
    queries: Queries,
}

impl Server {
    /// Listens on `addr`; port 0 takes a free one. With an identity it speaks TLS only.
    ///
    /// # Errors
    /// If the address is taken or not this machine's.
    pub async fn bind(addr: SocketAddr, identity: Option<&Identity>) -> Result<Self> {
        let failed = || format!("listening on {addr} (name another address with --http)");
        let listener = TcpListener::bind(addr).await.or_err(Kind::Invalid, failed)?;
        let addr = listener.local_addr().or_err(Kind::Internal, failed)?;
        let scheme = if identity.is_some() { "https" } else { "http" };
        let socket = Socket::new(listener, identity.map(Identity::acceptor));
        Ok(Self { socket, addr, scheme, flight: None, base_map: None, queries: Queries::default() })
    }

    /// Adds Flight SQL.
    #[must_use]
    pub fn with_flight(self, flight: Option<FlightListener>) -> Self {
        Self { flight, ..self }
    }

    /// Adds a base map: tiles of another host under the map.
    #[must_use]
    pub fn with_base_map(self, base_map: Option<BaseMap>) -> Self {
        Self { base_map, ..self }
    }

    /// Adds named queries, which clients can request.
    #[must_use]
    pub fn with_queries(self, queries: Queries) -> Self {
        Self { queries, ..self }
    }

    /// Returns the address for clients, with the real port.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    /// Answers requests until `stop` is cancelled; then takes no new ones and lets those under way end, for
    /// [`Limits::drain`] at most.
    ///
    /// # Errors
    /// If the machine gives no more threads, or Flight SQL fails.
    pub async fn run(self, reader: Arc<Reader>, access: Access, limits: Limits, stop: CancellationToken) -> Result<()> {
        task_spans::propagate_spans();
        let (drain, within) = (limits.drain, limits.timeout);
        let map_page = MapPage::new(self.base_map.as_ref());
        let app = App::new(reader, access, limits, map_page, stop.clone())?;
        let app = Arc::new(App { queries: self.queries, ..app });
        let abort = app.abort.clone();
        tokio::spawn(decode_counts(Arc::clone(&app.reader)));
        let workers = app.sql_workers.clone().maintain();
        let router = router(Arc::clone(&app)).layer(Extension(Scheme(self.scheme)));
        let http = serve(self.socket, router, within, stop.clone(), abort.clone());
        let http = async {
            http.await;
            Ok(())
        };
        let flight = async {
            match self.flight {
                Some(flight) => flight.run(app).await,
                None => Ok(()),
            }
        };
        let deadline = async {
            stop.cancelled().await;
            tokio::time::sleep(drain).await;
        };
        let mut work = pin!(async { tokio::try_join!(http, flight) });
        tokio::select! {
            ended = &mut work => ended.map(|_| ()),
            () = workers => Ok(()),
            () = deadline => {
                tracing::warn!("requests still running {} s after the stop are aborted", drain.as_secs());
                abort.cancel();
                let _ = tokio::time::timeout(ABORT_LOG_TIMEOUT, work).await;
                Ok(())
            }
        }
    }
}

/// Decodes the counts of the lake before the first question needs them.
async fn decode_counts(reader: Arc<Reader>) {
    let Some(segments) = reader.segments() else { return };
    match reader.open_newest().await {
        Ok(snapshot) => segments.load_newest_later(&snapshot),
        // Every request opens the lake, and reports what is wrong with it.
        Err(error) => tracing::debug!(%error, "the counts were not decoded at the start"),
    }
}
