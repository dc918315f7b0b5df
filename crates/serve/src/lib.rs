//! The HTTP interface: counts of the lake as JSON, and how its resources stand.
//!
//! `/aggregates` answers from hourly counts where they can answer and from the incidents where they cannot; both say
//! the same wherever both apply. One request reads one version of the lake.

mod aggregates;
mod answer;
mod area;
mod bucket;
mod dimension;
mod parameters;
mod place;
mod plan;
mod problem;
mod question;
mod resources;
mod routes;
mod server;
mod values;

#[cfg(test)]
mod tests;

pub use server::{ServeOptions, Server};
