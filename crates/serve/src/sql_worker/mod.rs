//! The SQL of users, planned and run in processes of its own.
//!
//! A client with access may send any statement: statements whose plans have no end, functions and operators that use
//! more memory than the engine accounts for, stacks that overflow. Memory that the engine does not account for cannot
//! be limited inside its process, so the operating system limits it. A worker is this program again (`hotspots-lake
//! sql-worker`), works for one statement at a time, and communicates with the server over its stdin and stdout
//! ([`message`]).
//!
//! - Memory: the engine spills at the request's share, the server ends a worker whose process grows beyond
//!   [`process_bytes`] ([`memory_watch`]), and the worker's own `RLIMIT_DATA` rejects larger allocations.
//! - Time: a worker whose client has left is asked to abandon its statement, and ended if it does not ([`pool`]).
//! - Rights: a worker reads the lake and writes its spill directory, and has no network unless the lake is on S3; the
//!   program sets that before it calls [`run_sql_worker`].
//! - A worker ends when its stdin does: it never outlives the server.

mod memory_watch;
mod message;
mod planned_statement;
mod pool;
mod spill_directory;
mod worker;
mod worker_process;

pub use message::SqlWorkerSetup;
pub(crate) use message::{MAX_FRAME_BYTES, Row, Sql, StatementValues};
pub(crate) use planned_statement::{PlannedStatement, plan};
pub(crate) use pool::{SqlWorkers, WorkerShare};
pub use worker::run_sql_worker;

/// Returns the total memory limit of a query's process for this engine limit, bytes: memory that the engine does not
/// account for, such as a batch that is being made, is about as much again, and the program itself needs some.
pub(crate) const fn process_bytes(memory_bytes: usize) -> usize {
    memory_bytes.saturating_mul(2).saturating_add(BASE_BYTES)
}

/// The memory of the program without a query, enough for the logs of a large lake.
const BASE_BYTES: usize = 128 << 20;
