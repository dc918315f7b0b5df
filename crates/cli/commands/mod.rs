//! The commands, one file each.

mod audit;
mod check;
mod compact;
mod forget;
mod history;
mod ingest;
mod queries;
mod rejects;
mod resources;
mod serve;
mod sql;
mod status;
mod up;
mod vacuum;

use lake_model::Result;

use crate::args::{Args, Command};

/// Runs a command; its exit code.
pub(crate) async fn run(args: Args) -> Result<u8> {
    let global = &args.global;
    match args.command {
        Command::Up(up) => up::run(global, up).await,
        Command::Ingest(ingest) => ingest::run(global, ingest).await,
        Command::Compact(compact) => compact::run(global, compact).await,
        Command::Audit(audit) => Box::pin(audit::run(global, audit)).await,
        Command::Rejects(rejects) => rejects::run(global, rejects).await,
        Command::Sql(sql) => sql::run(global, sql).await,
        Command::Serve(serve) => serve::run(global, serve).await,
        Command::Status(status) => status::run(global, status).await,
        Command::Queries(queries) => Box::pin(queries::run(global, queries)).await,
        Command::History(history) => history::run(global, history).await,
        Command::Check(check) => check::run(global, check).await,
        Command::Vacuum(vacuum) => vacuum::run(global, vacuum).await,
        Command::Forget(forget) => Box::pin(forget::run(global, forget)).await,
        Command::Resources(resources) => resources::run(global, resources),
        Command::Completions { shell } => resources::completions(shell),
    }
}

/// Cancelled by SIGINT or SIGTERM.
pub(crate) fn stop_on_signals() -> Result<tokio_util::sync::CancellationToken> {
    use lake_model::{Kind, ResultExt as _};
    use tokio::signal::unix::{SignalKind, signal};
    let stop = tokio_util::sync::CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt()).or_err(Kind::Internal, || "listening to SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).or_err(Kind::Internal, || "listening to SIGTERM")?;
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: the page in hand still lands");
        token.cancel();
    });
    Ok(stop)
}
