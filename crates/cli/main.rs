//! hotspots-lake: a city's published incidents as a lake of open tables, counted exactly and answered at once.

mod args;
mod commands;
mod completion;
mod completion_candidates;
mod config;
mod context;
mod examples;
mod logging;
mod memory;
mod output;
mod parameter_flags;
mod progress;
mod rows;
mod sandbox;
mod serving;
mod shell;
mod sql_worker;
mod terminal_table;

use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long the removal of unneeded files may delay the end of the program if the store fails.
const REMOVALS_END: Duration = Duration::from_secs(5);
/// The same at the end of a program that was stopped, if the store does not answer.
const REMOVALS_END_AT_STOP: Duration = Duration::from_secs(1);

/// Threads for blocking work, mostly reads of a local disk. Each keeps memory of its own, and a log of a hundred
/// entries, read at once, would otherwise have as many. Never fewer than sixteen: reads of logs wait for each other's.
fn most_blocking_threads() -> usize {
    std::thread::available_parallelism().map_or(16, |cores| 16.max(4 * cores.get()))
}

fn main() -> ExitCode {
    // The system chooses the stack size of the first thread.
    let deep = std::thread::Builder::new().stack_size(lake_query::STACK_BYTES).spawn(run);
    match deep.map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        // The thread has reported its panic.
        Ok(Err(_)) => ExitCode::from(70),
        Err(error) => output::fail(&lake_model::Error::internal("starting a thread").with_source(error)),
    }
}

fn run() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|word| word == sql_worker::NAME) {
        return sql_worker::run();
    }
    if completion::answer_shell() {
        return ExitCode::SUCCESS;
    }
    let args = match config::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return code,
    };
    logging::start_logging(args.log_options());
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_stack_size(lake_query::STACK_BYTES).max_blocking_threads(most_blocking_threads());
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&lake_model::Error::internal("starting the runtime").with_source(error)),
    };
    let (ended, is_abandoned) = runtime.block_on(async {
        tokio::select! {
            ended = Box::pin(commands::run(args)) => {
                let most = if commands::is_stopping() { REMOVALS_END_AT_STOP } else { REMOVALS_END };
                let _ = tokio::time::timeout(most, lake_store::wait_for_cleanup()).await;
                (ended, false)
            }
            code = commands::abandoned() => (Ok(code), true),
        }
    });
    if is_abandoned {
        output::note("stopped at once by the second signal");
    }
    // Running tasks are abandoned. Dropped, the runtime would wait for them; shut down, it would take the tasks from
    // the threads that wait for them, and each would report an error. They end with the program.
    std::mem::forget(runtime);
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => output::fail(&error),
    }
}
