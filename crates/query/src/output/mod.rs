//! The rows of an answer in every output format.

pub(crate) mod format;
pub(crate) mod geojson;
pub(crate) mod geoparquet;
pub(crate) mod output_columns;
