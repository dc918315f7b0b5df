//! hotspots-lake: a city's published incidents as a lake of open tables, counted exactly and answered at once.

mod args;
mod commands;
mod config;
mod context;
mod output;
mod progress;
mod serving;

use std::process::ExitCode;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads for what blocks, reads of a local disk above all. Each keeps memory of its own, and a log of a hundred
/// entries, read at once, would otherwise have as many. Never fewer than sixteen: reads of logs wait for each other's.
fn most_blocking_threads() -> usize {
    std::thread::available_parallelism().map_or(16, |cores| 16.max(4 * cores.get()))
}

/// How long what is cut off at the end may take to say so in the log.
const LAST_WORDS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let args = match config::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return code,
    };
    output::start_logging(&args);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = match builder.enable_all().max_blocking_threads(most_blocking_threads()).build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&lake_model::Error::internal("starting the runtime").with_source(error)),
    };
    let (ended, is_abandoned) = runtime.block_on(async {
        tokio::select! {
            ended = Box::pin(commands::run(args)) => (ended, false),
            code = commands::abandoned() => (Ok(code), true),
        }
    });
    if is_abandoned {
        output::note("stopped at once by the second signal");
    }
    // What still runs is nobody's any more. Dropped, the runtime would wait for it however long it takes.
    if is_abandoned {
        runtime.shutdown_background();
    } else {
        runtime.shutdown_timeout(LAST_WORDS);
    }
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => output::fail(&error),
    }
}
