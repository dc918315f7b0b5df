//! The socket of Flight SQL, with or without TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use axum::middleware::map_response;
use lake_model::{Error, Kind, Result, ResultExt};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Server, ServerTlsConfig};

use super::service::Service;
use super::status::with_limit_name;
use crate::app::App;
use crate::tls::{HANDSHAKE_TIMEOUT, Identity};

/// A client that does not answer for this long is gone: its answers are cancelled.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Flight SQL, listening but not yet answering.
#[derive(Debug)]
pub struct FlightListener {
    listener: TcpListener,
    addr: SocketAddr,
    server: Server,
    scheme: &'static str,
}

impl FlightListener {
    /// Listens on `addr`; port 0 takes a free one. With an identity it speaks TLS only.
    ///
    /// # Errors
    /// If the address is taken or not this machine's, or the certificate or the key is not valid.
    pub async fn bind(addr: SocketAddr, identity: Option<&Identity>) -> Result<Self> {
        let failed = || format!("listening on {addr} (name another address with --flight)");
        let mut server =
            Server::builder().http2_keepalive_interval(Some(PING_INTERVAL)).http2_keepalive_timeout(Some(PING_TIMEOUT));
        let scheme = if identity.is_some() { "grpc+tls" } else { "grpc" };
        if let Some(identity) = identity {
            let config = ServerTlsConfig::new().identity(identity.pem()).timeout(HANDSHAKE_TIMEOUT);
            server = server.tls_config(config).or_err(Kind::Invalid, || identity.to_string())?;
        }
        let listener = TcpListener::bind(addr).await.or_err(Kind::Invalid, failed)?;
        let addr = listener.local_addr().or_err(Kind::Internal, failed)?;
        Ok(Self { listener, addr, server, scheme })
    }

    /// Returns the address for clients, with the real port.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr)
    }

    /// Answers calls until the application is stopped; then accepts no new ones and waits for those under way.
    ///
    /// # Errors
    /// If the socket fails.
    pub(crate) async fn run(mut self, app: Arc<App>) -> Result<()> {
        let (stop, most) = (app.stop.clone(), app.limits.max_body_bytes);
        let service = FlightServiceServer::new(Service::new(app)).max_decoding_message_size(most);
        let named = map_response(move |answer| async move { with_limit_name(answer, most) });
        let routes = Routes::from(Routes::new(service).into_axum_router().layer(named));
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let serving = self.server.add_routes(routes).serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
        serving.await.map_err(|error| {
            Error::new(Kind::Unavailable, format!("serving Flight SQL on {}", self.addr)).with_source(error)
        })
    }
}
