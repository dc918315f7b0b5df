//! A portal of our own that speaks SODA truthfully, with synthetic rows and faults on demand.
//!
//! [`Portal`] holds datasets in memory and answers over HTTP the way a Socrata portal does, with
//! its inconveniences kept: numbers arrive as strings, null is an absent key, an unordered query
//! has no stable order, and an unknown column is a 400 with the recorded body. Tests edit its
//! rows between pages and queue [`Fault`]s; [`synthetic`] fills it with a made-up city.

mod dataset;
mod errors;
mod exec;
mod fault;
mod http;
mod ids;
mod log;
mod packed;
mod portal;
mod render;
mod row;
mod soql;
mod stamp;
pub mod synthetic;
mod types;

pub use fault::Fault;
pub use http::Serving;
pub use log::Request;
pub use portal::Portal;
pub use types::{Column, SodaType};

#[cfg(test)]
mod tests;
