//! Arrow Flight SQL: the same answers over gRPC, as streams of Arrow batches.
//!
//! Nothing is kept between calls. A ticket and the handle of a prepared statement hold the statement itself, with its
//! values; a ticket also the versions of the tables. Whichever server of the lake gets it answers the same.

mod actions;
mod bind;
mod commands;
mod gate;
mod info;
mod keys;
mod listener;
mod query;
mod row;
mod running;
mod service;
mod status;
mod stream;
mod ticket;
mod types;
mod values;

pub use listener::FlightListener;
