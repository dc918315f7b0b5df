//! The HTTP interface.
use std::{net::SocketAddr, sync::Arc};
/// o
#[derive(Debug, Default)]
pub struct ServeOptions {}
/// s
#[derive(Debug)]
pub struct Server(SocketAddr);
impl Server {
    /// b
    pub async fn bind(addr: SocketAddr) -> lake_model::Result<Self> { Ok(Self(addr)) }
    /// a
    pub fn addr(&self) -> SocketAddr { self.0 }
    /// r
    pub async fn run(self, _r: Arc<lake_query::Reader>, _o: ServeOptions, stop: tokio_util::sync::CancellationToken) -> lake_model::Result<()> { stop.cancelled().await; Ok(()) }
}
