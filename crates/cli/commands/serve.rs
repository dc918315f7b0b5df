//! `serve`: the lake over HTTP.

use lake_model::Result;
use lake_serve::Server;

use crate::args::{Global, Serve};
use crate::serving::warn_if_open;
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Serve) -> Result<u8> {
    let catalog = context::catalog(global)?;
    let lake = context::open(global).await?;
    let reader = context::reader(global, lake, &catalog)?;
    let stop = super::stop_on_signals()?;
    let limits = args.serving.limits(args.http.ip());
    let access = args.serving.access(&limits)?;
    warn_if_open("--http", args.http.ip(), &access);
    let server = Server::bind(args.http).await?;
    output::note(&format!("listening on http://{}", server.addr()));
    server.run(reader, access, limits, stop).await?;
    Ok(0)
}
