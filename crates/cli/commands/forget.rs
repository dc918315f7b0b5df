//! `forget`: make a sealed record vanish.

use lake_ingest::Landing;
use lake_maintenance::forget;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_store::LandingMark;

use crate::args::{Forget, Global};
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Forget) -> Result<u8> {
    let lake = context::open_lake_to_write(global).await?;
    let reader = context::create_reader(global, lake.clone(), &context::load_catalog(global)?)?;
    let resource = reader.catalog().await?.get(&args.resource)?;
    let raw = lake.raw(&resource.name)?;
    if !raw.exists().await? {
        return Err(Error::not_found(format!("nothing of {} has landed", resource.name)));
    }
    let mark = LandingMark::read(&raw, raw.snapshot().await?.as_ref()).await?;
    let options = context::landing_options(global, &lake, mark.synthetic)?;
    // Holds the key index, so that no process on this machine lands meanwhile, and derives what a crash left missing.
    let landing = Landing::open(&lake, &resource, &options).await?;
    let index = options.index_directory.join(&resource.name);
    let remove_index = || {
        drop(landing);
        let failed = || format!("removing the key index in {}", index.display());
        std::fs::remove_dir_all(&index).or_err(Kind::Unavailable, failed)
    };
    let done = Box::pin(forget(&reader, &resource, &args.keys, remove_index)).await?;
    if !global.quiet {
        if done.finished_earlier {
            output::note("An earlier forgetting that was interrupted has been finished.");
        }
        output::note(&format!(
            "{} raw rows are gone, and with them every earlier version. A key index on another machine must go as well.",
            done.rows
        ));
    }
    Ok(0)
}
