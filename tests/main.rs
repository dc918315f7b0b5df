//! End-to-end tests on the built program. One binary, so that the engine is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails loudly, and says what it tried"
)]

/// The program's own allocator: small allocations are most of what a tiny lake costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod access;
mod answers;
mod architecture;
mod audit;
mod bench;
mod beside;
mod boundaries;
mod change;
mod changes;
mod check;
mod cli;
mod columns;
mod config;
mod connections;
mod crash;
mod definitions;
mod deletes;
mod differential;
mod docs;
mod exactness;
mod faults;
mod flight;
mod forget;
mod formats;
mod forms;
mod fuzz;
mod geometry;
mod golden;
mod history;
mod hotspots;
mod http;
mod integrity;
mod load;
mod map;
mod mistakes;
mod once;
mod openapi;
mod operations;
mod origins;
mod pages;
mod paths;
mod portal_bounds;
mod portal_credentials;
mod portal_faults;
mod portal_stamps;
mod power;
mod property;
mod python;
mod quarantine;
mod queries;
mod race;
mod ranges;
mod readers;
mod rogue_portal;
mod room;
mod s3;
mod saved_files;
mod soak;
mod sql_answers;
mod sql_bounds;
mod sql_fuzz;
mod sql_http;
mod sql_numbers;
mod sql_rules;
mod stops;
mod streams;
mod terminal_questions;
mod tiles;
mod up;
mod vacuum;
mod wire;
