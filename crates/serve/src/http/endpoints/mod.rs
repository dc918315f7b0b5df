//! The paths of the HTTP interface, a module each.

pub(crate) mod aggregates;
pub(crate) mod boundaries;
pub(crate) mod changes;
pub(crate) mod facets;
pub(crate) mod hotspots;
pub(crate) mod incidents;
pub(crate) mod map_page;
pub(crate) mod operations;
pub(crate) mod queries;
pub(crate) mod resources;
pub(crate) mod sql;
pub(crate) mod tiles;
pub(crate) mod web;
