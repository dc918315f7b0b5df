//! Proof that a store creates an object only if it is absent, and lets one of several win: commits rely on it.

use futures::future::join_all;
use lake_model::{Error, Kind, Result};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};

use crate::Location;

/// Tries to create one name at once.
const CONCURRENT_ATTEMPTS: usize = 16;
/// The errors of Linux for a file system without hard links: not permitted, not supported, not implemented.
const NO_LINKS: [i32; 3] = [1, 95, 38];

/// Creates scratch objects under the lake and removes them.
///
/// # Errors
/// If two creations of one name succeed, or the store does not answer.
pub(crate) async fn verify_conditional_put(location: &Location) -> Result<()> {
    let scratch = |name: &str| location.path(&format!(".probe-{}-{name}", uuid::Uuid::new_v4()));
    let (twice, at_once) = (scratch("twice"), scratch("at-once"));
    let result = count_winners(location, &twice, &at_once).await;
    for path in [&twice, &at_once] {
        // A few bytes remain under a name that no table has.
        let _ = location.store.delete(path).await;
    }
    let (in_turn, in_parallel) = result?;
    if in_turn <= 1 && in_parallel <= 1 {
        return Ok(());
    }
    let how = if in_turn > 1 { "overwrites an object that exists" } else { "lets several create one object at once" };
    Err(Error::invalid(format!(
        "the store of {location} {how} when asked to create it only if absent (`If-None-Match: *`); commits would be \
         lost there. Use a store that refuses it: AWS S3, or a compatible one with conditional writes"
    )))
}

/// Returns how many creations of a name succeeded in sequence, and concurrently. None counts as one: the reply to
/// the winner may have been lost, and its second attempt rejected.
async fn count_winners(location: &Location, twice: &Path, at_once: &Path) -> Result<(usize, usize)> {
    let store = location.store.as_ref();
    let in_turn = [create(location, store, twice).await?, create(location, store, twice).await?];
    let in_parallel = join_all((0..CONCURRENT_ATTEMPTS).map(|_| create(location, store, at_once))).await;
    let in_parallel = in_parallel.into_iter().collect::<Result<Vec<bool>>>()?;
    let count = |won: &[bool]| won.iter().filter(|won| **won).count();
    Ok((count(&in_turn), count(&in_parallel)))
}

async fn create(location: &Location, store: &dyn ObjectStore, path: &Path) -> Result<bool> {
    let options = PutOptions { mode: PutMode::Create, ..Default::default() };
    match store.put_opts(path, "probe".into(), options).await {
        Ok(_) => Ok(true),
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
        Err(error @ object_store::Error::NotImplemented { .. }) => Err(Error::invalid(format!(
            "the store of {location} cannot create an object only if it is absent; use one that can"
        ))
        .with_source(error)),
        Err(error) if location.directory.is_some() && has_no_links(&error) => Err(Error::invalid(format!(
            "the file system of {location} has no hard links, which commits need; use a local disk with ext4, xfs, \
             btrfs, APFS or the like"
        ))
        .with_source(error)),
        Err(error) => Err(Error::new(Kind::Unavailable, format!("writing to {location}")).with_source(error)),
    }
}

fn has_no_links(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<std::io::Error>())
        .any(|error| error.raw_os_error().is_some_and(|code| NO_LINKS.contains(&code)))
}
