//! Arrow Flight SQL: the same answers over gRPC, as streams of Arrow batches.
//!
//! Nothing is kept between calls. A ticket and the handle of a prepared statement hold the statement itself, with its
//! values; a ticket also the versions of the tables. Whichever server of the lake gets it answers the same.

mod actions;
mod authentication;
mod binding;
mod bound_values;
mod command;
mod commands;
mod keys;
mod listener;
mod running_answers;
mod service;
mod sql_info;
mod sql_types;
mod statement_handle;
mod statements;
mod status;
mod stream;
mod value_messages;

pub use listener::FlightListener;
