//! `serve`: the lake over HTTP.

use lake_model::Result;
use lake_serve::{Limits, Server};

use crate::args::{Global, Serve};
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Serve) -> Result<u8> {
    let catalog = context::catalog(global)?;
    let lake = context::open(global).await?;
    let reader = context::serving_reader(global, lake, &catalog).await?;
    let stop = super::stop_on_signals()?;
    let server = Server::bind(args.http).await?;
    output::note(&format!("listening on http://{}", server.addr()));
    server.run(reader, Limits::default(), stop).await?;
    Ok(0)
}
