//! hotspots-lake: a city's published incidents as a lake of open tables, counted exactly and answered at once.

mod args;
mod commands;
mod context;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    output::start_logging(&args);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&lake_model::Error::internal("starting the runtime").with_source(error)),
    };
    match runtime.block_on(commands::run(args)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => output::fail(&error),
    }
}
