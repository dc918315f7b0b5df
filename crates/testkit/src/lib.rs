//! The code that tests share: real rows, an oracle that counts them, and the built program.
//!
//! Nothing here shares code with what it checks: the loader reads the published files on its own, the oracle is a plain
//! fold with its own calendar, and the program is run from outside, as a user runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test kit fails loudly"
)]

mod available;
mod definitions;
pub mod loader;
pub mod oracle;
pub mod portal_runtime;
pub mod program;
mod roles;
mod s3_server;

pub use available::{missing_tool, not_run, shared_data};
pub use definitions::world_resource;
pub use loader::{Source, all_sources, source};
pub use oracle::{Dimension, Filter, Oracle, Order, Totals};
pub use portal_runtime::{PortalThread, declare, insert_rows, load_into, republish};
pub use program::{Answer, Output, Program, Running};
pub use roles::{Bounds, CHICAGO, Place, Roles, SAN_FRANCISCO};
pub use s3_server::{BUCKET, S3Server, SECRET, s3_program};

/// A row as a portal serves it: field name to value, a null is an absent key.
pub type Row = serde_json::Map<String, serde_json::Value>;
