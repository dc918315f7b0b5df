//! The files of counts and incidents, decoded into memory: see [`lake_segments`].

mod segment_file;

pub(crate) mod pending_incidents;
pub(crate) mod segment_cache;
