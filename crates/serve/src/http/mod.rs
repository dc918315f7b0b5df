//! The HTTP interface.

mod admit;
pub(crate) mod aggregates;
mod answer;
pub(crate) mod boundaries;
pub(crate) mod changes;
mod connections;
pub(crate) mod endpoint;
pub(crate) mod facets;
mod given;
pub(crate) mod hotspots;
pub(crate) mod incidents;
pub(crate) mod negotiate;
mod observe;
mod operations;
mod page;
mod queries;
mod resources;
mod routes;
mod rows;
mod sending;
mod simplify;
mod socket;
pub(crate) mod sql;
mod tile_json;
mod tile_shape;
pub(crate) mod tiles;
mod transport;
mod versioned;
mod web;

pub(crate) use connections::serve;
pub(crate) use routes::router;
pub(crate) use socket::Socket;
pub(crate) use tile_json::Scheme;
pub(crate) use web::Web;
