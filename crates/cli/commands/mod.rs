//! The commands, one file each.

mod aggregates;
mod audit;
mod check;
mod compact;
mod config;
mod forget;
mod history;
mod hotspots;
mod ingest;
mod man;
mod queries;
mod question;
mod rejects;
mod resources;
mod serve;
mod sql;
mod status;
mod token;
mod up;
mod vacuum;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use lake_model::{Kind, Result, ResultExt as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::args::{Args, Command};
use crate::{completion, output};

/// Runs a command; its exit code.
pub(crate) async fn run(args: Args) -> Result<u8> {
    let global = &args.global;
    match args.command {
        Command::Up(up) => Box::pin(up::run(global, up)).await,
        Command::Ingest(ingest) => ingest::run(global, ingest).await,
        Command::Compact(compact) => compact::run(global, compact).await,
        Command::Audit(audit) => Box::pin(audit::run(global, audit)).await,
        Command::Rejects(rejects) => rejects::run(global, rejects).await,
        Command::Aggregates(ask) => aggregates::run(global, ask).await,
        Command::Hotspots(ask) => hotspots::run(global, ask).await,
        Command::Sql(sql) => sql::run(global, sql).await,
        Command::Serve(serve) => serve::run(global, serve).await,
        Command::Status(status) => status::run(global, status).await,
        Command::Queries(queries) => Box::pin(queries::run(global, queries)).await,
        Command::History(history) => history::run(global, history).await,
        Command::Check(check) => Box::pin(check::run(global, check)).await,
        Command::Vacuum(vacuum) => vacuum::run(global, vacuum).await,
        Command::Forget(forget) => Box::pin(forget::run(global, forget)).await,
        Command::Resources(resources) => resources::run(global, resources).await,
        Command::Token(token) => token::run(&token),
        Command::Config(config) => config::run(config),
        Command::Openapi => resources::openapi(),
        Command::Completions { shell } => {
            output::print(&completion::write_script(shell)?)?;
            Ok(0)
        }
        Command::Man { directory } => man::run(directory),
    }
}

/// Returns a token that SIGINT or SIGTERM cancels; `finishes`, the work that is finished then, is logged. A second
/// signal ends the program immediately: see [`abandoned`].
pub(crate) fn stop_on_signals(finishes: &'static str) -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).or_err(Kind::Internal, || "listening to SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).or_err(Kind::Internal, || "listening to SIGTERM")?;
    let token = stop.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
            }
        };
        next().await;
        // Before the line: whether that can be written does not matter for stopping.
        IS_STOPPING.store(true, Ordering::Relaxed);
        token.cancel();
        tracing::info!("stopping: {finishes}; a second signal ends it at once");
        ABANDONED.send_replace(Some(next().await));
    });
    Ok(stop)
}

/// Whether there was a signal.
static IS_STOPPING: AtomicBool = AtomicBool::new(false);

/// Returns whether a signal has asked the program to stop.
pub(crate) fn is_stopping() -> bool {
    IS_STOPPING.load(Ordering::Relaxed)
}

/// The second signal, once there was one.
static ABANDONED: LazyLock<watch::Sender<Option<SignalKind>>> = LazyLock::new(|| watch::Sender::new(None));

/// Returns after a second signal: the exit code of a program that such a signal ends. The next run completes
/// interrupted writes.
pub(crate) async fn abandoned() -> u8 {
    let mut second = ABANDONED.subscribe();
    let signal = second.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
    let number = signal.map_or(0, |signal| signal.as_raw_value());
    u8::try_from(128 + number).unwrap_or(u8::MAX)
}
