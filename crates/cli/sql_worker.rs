//! `sql-worker`: the process that a server starts for the SQL of its users. It drops the rights that it does not need
//! before it reads the first statement.

use std::process::ExitCode;

use lake_model::{Kind, Result, ResultExt as _};
use lake_serve::{SqlWorkerSetup, run_sql_worker};

use crate::logging;
use crate::sandbox;
use crate::{most_blocking_threads, output};

/// The first argument of a worker. It is not a command for users, so the command-line parser does not include it.
pub(crate) const NAME: &str = "sql-worker";

/// Works until stdin ends.
pub(crate) fn run() -> ExitCode {
    logging::start_worker_logging();
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

fn work() -> Result<()> {
    let setup = SqlWorkerSetup::read(&mut std::io::stdin().lock())?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = cores + most_blocking_threads();
    // Before other threads are started: restrictions apply to the threads that come after.
    sandbox::enter(&setup, threads)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().worker_threads(cores).thread_stack_size(lake_query::STACK_BYTES);
    let runtime = builder.max_blocking_threads(most_blocking_threads()).build();
    let runtime = runtime.or_err(Kind::Internal, || "starting the runtime")?;
    let ended = runtime.block_on(run_sql_worker(setup));
    std::mem::forget(runtime);
    ended
}
