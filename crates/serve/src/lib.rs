//! The interfaces over HTTP and Arrow Flight SQL: counts of the lake, its rows, and the state of its resources.
//!
//! `/aggregates` answers from hourly counts where possible, and otherwise from the incidents; where both apply, they
//! give the same answer. `/hotspots` computes from those counts which cells are hot beyond chance. One request reads
//! one version of the lake.

mod access;
mod admission;
mod app;
mod base_map;
mod flight;
mod http;
mod limits;
mod metrics;
mod openapi;
mod problem;
mod request_id;
mod server;
mod sql_worker;
mod task_spans;
mod tls;

#[cfg(test)]
mod tests;

pub use access::{Access, AccessOptions, HostName, PageOrigin, Proxy, Scope, fresh_token};
pub use base_map::BaseMap;
pub use flight::FlightListener;
pub use limits::{Limit, Limits};
pub use openapi::document as openapi;
pub use server::Server;
pub use sql_worker::{SqlWorkerSetup, run_sql_worker};
pub use tls::Identity;
