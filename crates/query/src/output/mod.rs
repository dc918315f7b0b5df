//! The rows of an answer in every output format.

pub(crate) mod format;
mod geojson;
mod geoparquet;
pub(crate) mod output_columns;
pub(crate) mod result_writer;
mod row_geometry;
mod write_error;
