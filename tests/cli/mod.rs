//! The command line, and the documentation of it.

mod command_line;
mod config;
mod docs;
mod paths;
mod stops;
mod terminal_questions;
mod up;
