//! The HTTP interface.

mod admit;
mod aggregates;
mod answer;
mod changes;
mod endpoint;
mod facets;
mod incidents;
mod negotiate;
mod observe;
mod operations;
mod page;
mod queries;
mod resources;
mod routes;
mod rows;
mod socket;
mod sql;
mod tiles;
mod versioned;

pub(crate) use routes::router;
pub(crate) use socket::{Peer, Socket};
