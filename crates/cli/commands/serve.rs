//! `serve`: the lake over HTTP and Arrow Flight SQL.

use lake_model::Result;

use crate::args::{Global, Serve};
use crate::context;

pub(crate) async fn run(global: &Global, args: Serve) -> Result<u8> {
    let catalog = context::catalog(global)?;
    let lake = context::open(global).await?;
    let reader = context::reader(global, lake, &catalog)?;
    let stop = super::stop_on_signals()?;
    let (limits, access) = args.serving.gate(args.http, args.flight.flight)?;
    let server = super::listen(args.http, &args.flight).await?;
    server.run(reader, access, limits, stop).await?;
    Ok(0)
}
