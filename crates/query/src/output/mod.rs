//! The rows of an answer in every output format.

pub(crate) mod format;
mod geojson;
mod geoparquet;
mod json_rows;
pub(crate) mod output_columns;
pub(crate) mod result_writer;
mod row_geometry;
mod value_text;
mod write_error;
