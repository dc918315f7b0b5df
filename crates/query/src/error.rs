//! The engine's errors as ours: one mapping, for every way in.

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use lake_model::{Error, Kind};
use lake_store::damage_in;
use parquet::errors::ParquetError;

/// The engine's error with the kind that says what the caller can do, and its position in the SQL where known.
pub fn engine_error(error: DataFusionError) -> Error {
    if let Some(damage) = damage_in(&error) {
        return damage;
    }
    let kind = kind_of(&error);
    let position = position_of(&error);
    let text = match error.find_root() {
        // Its own text is for debugging.
        DataFusionError::SQL(inner, _) => inner.to_string(),
        _ => error.strip_backtrace(),
    };
    let text = text.trim_start_matches("Error during planning: ").trim_start_matches("sql parser error: ");
    let message = match position {
        Some((line, column)) if !text.contains("Line:") => format!("line {line}, column {column}: {text}"),
        _ => text.to_owned(),
    };
    Error::new(kind, message)
}

fn position_of(error: &DataFusionError) -> Option<(u64, u64)> {
    let span = error.diagnostic()?.span?;
    Some((span.start.line, span.start.column))
}

fn kind_of(error: &DataFusionError) -> Kind {
    match error {
        DataFusionError::SQL(..)
        | DataFusionError::Plan(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Configuration(_)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Execution(_) => Kind::Invalid,
        DataFusionError::ResourcesExhausted(_) => Kind::Exhausted,
        DataFusionError::ObjectStore(source) => kind_of_store(source),
        DataFusionError::IoError(_) => Kind::Unavailable,
        DataFusionError::ParquetError(source) => kind_of_parquet(source),
        DataFusionError::ArrowError(source, _) => match source.as_ref() {
            ArrowError::ParquetError(_) | ArrowError::IpcError(_) => Kind::Data,
            // Overflow, division by zero, a text that is no number: the query's own doing.
            _ => Kind::Invalid,
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => kind_of(inner),
        DataFusionError::Shared(inner) => kind_of(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(Kind::Internal, kind_of),
        DataFusionError::External(inner) => kind_of_external(inner.as_ref()).unwrap_or(Kind::Internal),
        DataFusionError::ExecutionJoin(_)
        | DataFusionError::Internal(_)
        | DataFusionError::Substrait(_)
        | DataFusionError::Ffi(_) => Kind::Internal,
    }
}

/// What the log names and the store lacks is damage; a store that does not answer is not.
fn kind_of_store(error: &object_store::Error) -> Kind {
    match error {
        object_store::Error::NotFound { .. } => Kind::Data,
        _ => Kind::Unavailable,
    }
}

fn kind_of_external(error: &(dyn std::error::Error + 'static)) -> Option<Kind> {
    if let Some(ours) = error.downcast_ref::<Error>() {
        return Some(ours.kind());
    }
    error.downcast_ref::<object_store::Error>().map(kind_of_store)
}

fn kind_of_parquet(error: &ParquetError) -> Kind {
    match error {
        ParquetError::External(inner) => kind_of_external(inner.as_ref()).unwrap_or(Kind::Data),
        // The engine keeps only the text of an error that it met in a file's footer.
        ParquetError::General(text) if text.contains("Object Store error: ") && !text.contains("not found") => {
            Kind::Unavailable
        }
        _ => Kind::Data,
    }
}
