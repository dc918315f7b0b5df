//! The HTTP socket, with or without TLS.

use std::io;
use std::net::SocketAddr;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::send_handle::SendHandle;
use crate::tls::HANDSHAKE_TIMEOUT;

/// Handshakes under way at most; further clients wait in the system's queue.
const MAX_HANDSHAKES: usize = 1024;

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: TcpListener,
    tls: Option<Handshakes>,
}

/// TLS that is beginning: a client that dawdles keeps no other waiting.
struct Handshakes {
    acceptor: TlsAcceptor,
    under_way: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
}

/// A connection, with or without TLS.
pub(crate) type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address, if the socket has one.
    pub(crate) address: SocketAddr,
    /// The sending of answers to it.
    pub(crate) send_handle: SendHandle,
}

impl Socket {
    /// Creates a socket, with TLS if there is an acceptor.
    pub(crate) fn new(listener: TcpListener, acceptor: Option<TlsAcceptor>) -> Self {
        let tls = acceptor.map(|acceptor| Handshakes { acceptor, under_way: JoinSet::new() });
        Self { listener, tls }
    }
}

impl std::fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshakes").field("under_way", &self.under_way.len()).finish_non_exhaustive()
    }
}

impl Handshakes {
    fn begin(&mut self, stream: TcpStream, addr: SocketAddr) {
        let handshake = self.acceptor.accept(stream);
        self.under_way.spawn(async move {
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
                Ok(Ok(stream)) => Some((stream, addr)),
                Ok(Err(error)) => {
                    tracing::debug!(%addr, %error, "TLS did not begin");
                    None
                }
                Err(_) => {
                    tracing::debug!(%addr, "TLS did not begin in time");
                    None
                }
            }
        });
    }
}

impl Listener for Socket {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let Some(tls) = &mut self.tls else {
            let (stream, addr) = accept_stream(&mut self.listener).await;
            return (Either::Left(stream), addr);
        };
        loop {
            let room = tls.under_way.len() < MAX_HANDSHAKES;
            tokio::select! {
                (stream, addr) = accept_stream(&mut self.listener), if room => tls.begin(stream, addr),
                Some(begun) = tls.under_way.join_next() => {
                    if let Ok(Some((stream, addr))) = begun {
                        return (Either::Right(stream), addr);
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Listener::local_addr(&self.listener)
    }
}

/// Accepts a connection whose answers are sent at once: the end of one does not wait until its client has acknowledged what
/// came before it.
async fn accept_stream(listener: &mut TcpListener) -> (TcpStream, SocketAddr) {
    let (stream, address) = Listener::accept(listener).await;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%address, %error, "a connection whose answers may wait for acknowledgements");
    }
    (stream, address)
}
