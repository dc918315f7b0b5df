//! The HTTP interface: counts of the lake as JSON, and how its resources stand.
//!
//! `/aggregates` answers from hourly counts where they can answer and from the incidents where they cannot; both say
//! the same wherever both apply. One request reads one version of the lake.

mod app;
mod http;
mod limits;
mod problem;
mod question;
mod server;
mod user_sql;

#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use server::Server;
