//! End-to-end tests on the built program. One binary, so that the engine is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

mod architecture;
mod bench;
mod change;
mod cli;
mod crash;
mod exactness;
mod http;
mod integrity;
mod portal_faults;
mod property;
mod race;
mod readers;
mod s3;
mod up;
