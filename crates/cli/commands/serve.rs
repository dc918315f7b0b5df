//! `serve`: the lake over HTTP and Arrow Flight SQL.

use lake_model::Result;

use crate::args::{Global, Serve};
use crate::context;
use crate::memory::return_freed_memory;
use crate::serving::Listening;

pub(crate) async fn run(global: &Global, args: Serve) -> Result<u8> {
    let catalog = context::load_catalog(global)?;
    let lake = context::open_lake(global).await?;
    let reader = context::create_caching_reader(global, lake, &catalog, args.serving.cache_mib)?;
    let queries = context::load_checked_queries(global, &reader).await?;
    let stop = super::stop_on_signals("requests under way still end")?;
    return_freed_memory(stop.clone());
    let Listening { server, access, limits } = args.serving.listen().await?;
    server.with_queries(queries).run(reader, access, limits, stop).await?;
    Ok(0)
}
