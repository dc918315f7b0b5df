//! The interfaces over HTTP and Arrow Flight SQL: counts of the lake, its rows, and how its resources stand.
//!
//! `/aggregates` answers from hourly counts where they can answer and from the incidents where they cannot; both say
//! the same wherever both apply. One request reads one version of the lake.

mod app;
mod flight;
mod http;
mod limits;
mod problem;
mod question;
mod server;

#[cfg(test)]
mod tests;

pub use flight::{FlightListener, Identity};
pub use limits::Limits;
pub use server::Server;
