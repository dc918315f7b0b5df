//! End-to-end tests on the built program. One binary, so that the engine is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails loudly, and reports what it tried"
)]

/// The program's own allocator: small allocations are most of what a tiny lake costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod api;
mod architecture;
mod browser;
mod cli;
mod compat;
mod faults;
mod harness;
mod portal;
mod python;
mod sql;
mod storage;
