//! The HTTP interface.

mod aggregates;
mod answer;
mod changes;
mod endpoint;
mod facets;
mod incidents;
mod negotiate;
mod page;
mod queries;
mod resources;
mod routes;
mod rows;
mod sql;
mod tiles;
mod versioned;

pub(crate) use routes::router;
