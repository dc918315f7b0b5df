//! The interfaces over HTTP and Arrow Flight SQL.

pub(crate) mod access;
mod answers;
mod changes_api;
mod connections;
mod differential;
pub(crate) mod flight;
mod formats;
mod freshness;
mod hotspots;
mod http;
mod load;
mod openapi;
mod operations;
mod origins;
mod pages;
mod queries;
mod ranges;
mod streams;
mod tiles;
pub(crate) mod wire;
