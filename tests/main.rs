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
mod architecture;
mod audit;
mod bench;
mod beside;
mod change;
mod check;
mod cli;
mod columns;
mod config;
mod crash;
mod deletes;
mod exactness;
mod faults;
mod flight;
mod forget;
mod fuzz;
mod golden;
mod history;
mod http;
mod integrity;
mod load;
mod once;
mod operations;
mod portal_faults;
mod power;
mod property;
mod quarantine;
mod race;
mod readers;
mod room;
mod s3;
mod up;
mod vacuum;
mod wire;
