//! Object stores: durable writes to a local disk, and checksums of everything that is read.

pub(crate) mod block_cache;
pub(crate) mod checksummed_store;
pub(crate) mod checksums;
pub(crate) mod damage;
pub(crate) mod durable_local;
pub(crate) mod local_path;
