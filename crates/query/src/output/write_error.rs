//! Errors of the writers of answers as errors of the lake.

use arrow::error::ArrowError;
use lake_model::{Error, Kind};
use parquet::errors::ParquetError;

/// Returns the error of a writer of Arrow's.
pub(crate) fn write_error(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(text, source) => Error::new(Kind::Unavailable, text).with_source(source),
        ArrowError::ParquetError(text) => Error::invalid(format!("the answer cannot be written: {text}")),
        // The written value is the statement's own.
        other => Error::invalid("the answer cannot be written in this format").with_source(other),
    }
}

/// Returns the error of the writer of Parquet.
pub(crate) fn parquet_error(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => Error::new(Kind::Unavailable, "writing the answer").with_source(source),
        other => Error::invalid("the answer cannot be written as parquet").with_source(other),
    }
}
