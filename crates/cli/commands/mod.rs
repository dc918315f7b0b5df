//! The commands, one file each.

mod audit;
mod check;
mod compact;
mod forget;
mod history;
mod ingest;
mod rejects;
mod resources;
mod serve;
mod sql;
mod status;
mod up;
mod vacuum;

use std::net::SocketAddr;

use lake_model::Result;
use lake_serve::{FlightListener, Identity, Server};

use crate::args::{Args, Command, Flight};
use crate::output;

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
        Command::History(history) => history::run(global, history).await,
        Command::Check(check) => check::run(global, check).await,
        Command::Vacuum(vacuum) => vacuum::run(global, vacuum).await,
        Command::Forget(forget) => Box::pin(forget::run(global, forget)).await,
        Command::Resources(resources) => resources::run(global, resources),
        Command::Completions { shell } => resources::completions(shell),
    }
}

/// Takes the addresses to serve on, and says which they are.
pub(crate) async fn listen(http: SocketAddr, flight: &Flight) -> Result<Server> {
    let identity = match (&flight.tls_cert, &flight.tls_key) {
        (Some(certificate), Some(key)) => Some(Identity::read(certificate, key)?),
        _ => None,
    };
    let flight = match flight.flight {
        Some(addr) => Some(FlightListener::bind(addr, identity).await?),
        None => None,
    };
    let server = Server::bind(http).await?;
    if let Some(flight) = &flight {
        output::note(&format!("flight listening on {}", flight.url()));
    }
    output::note(&format!("listening on http://{}", server.addr()));
    Ok(server.with_flight(flight))
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
