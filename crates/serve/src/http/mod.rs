//! The HTTP interface.
//!
//! A request passes [`connection`], the [`layers`] in the order of [`routes`], and an endpoint of [`endpoints`], which
//! parses it with [`request`] and answers with [`response`]. Answers below 12 MiB are [`collected`] before they are sent.

mod collected;
mod connection;
pub(crate) mod endpoint;
pub(crate) mod endpoints;
mod layers;
pub(crate) mod request;
mod response;
mod routes;

pub(crate) use collected::{AnswerCache, MAX_COLLECTED_BYTES, MAX_COLLECTED_TOTAL_BYTES};
pub(crate) use connection::connections::serve;
pub(crate) use connection::socket::Socket;
pub(crate) use endpoints::map_page::MapPage;
pub(crate) use endpoints::tiles::tile_json::Scheme;
pub(crate) use routes::router;
