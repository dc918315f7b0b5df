//! Errors of reading and writing a log, with the kind that states what the caller can do.

use deltalake_core::DeltaTableError;
use lake_model::{Error, Kind};

use crate::objects::damage::find_damage;

/// Returns the kind of a log's error. The log's own reader passes on the store's errors as texts.
pub(crate) fn log_error(error: DeltaTableError, work: impl FnOnce() -> String) -> Error {
    if let Some(damage) = find_damage(&error) {
        return damage.context(work());
    }
    let kind = match &error {
        DeltaTableError::ObjectStore { source: object_store::Error::NotFound { .. } } => Kind::NotFound,
        DeltaTableError::ObjectStore { .. } => Kind::Unavailable,
        DeltaTableError::NotATable(_) | DeltaTableError::InvalidVersion(_) => Kind::NotFound,
        // A feature of the protocol that a newer writer requires.
        DeltaTableError::KernelError(inner) if inner.to_string().starts_with("Unsupported") => Kind::Invalid,
        DeltaTableError::KernelError(inner) if inner.to_string().contains("interacting with object store") => {
            Kind::Unavailable
        }
        // A table, or a version of it, that was never made.
        DeltaTableError::KernelError(inner)
            if ["Invalid table location", "No table version found"].iter().any(|t| inner.to_string().contains(t)) =>
        {
            Kind::NotFound
        }
        _ => Kind::Data,
    };
    Error::new(kind, work()).with_source(error)
}
