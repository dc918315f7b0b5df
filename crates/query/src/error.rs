//! The engine's errors as ours: one mapping, for every way in.

use std::sync::Arc;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use lake_model::{Error, Kind};
use lake_store::find_damage;
use parquet::errors::ParquetError;
use tokio::task::JoinError;

/// The text of the error of a query that would spill more than it may.
pub const SPILL_LIMIT_MESSAGE: &str = "the query would write more to disk than it may";

/// Converts the engine's error to one with the kind for its remedy, and with its position in the SQL if known.
pub fn engine_error(error: DataFusionError) -> Error {
    if let Some(damage) = find_damage(&error) {
        return damage;
    }
    if let Some(failure) = failure_of_spill(&error) {
        return failure;
    }
    let kind = kind_of(&error);
    let text = text_of(&error);
    let message = match position_of(&error) {
        Some((line, column)) if !text.contains("Line:") => format!("line {line}, column {column}: {text}"),
        _ => text,
    };
    Error::new(kind, message)
}

/// Converts the engine's error about a statement of a user. What the engine reports as a bug of its own is an error of
/// this statement: another may avoid it, so its author can do something about it. The log has the details.
pub fn statement_error(error: DataFusionError) -> Error {
    let details = error.strip_backtrace();
    let is_planners = is_planners_own(&error);
    let error = engine_error(error);
    if error.kind() != Kind::Internal && !is_planners {
        return error;
    }
    tracing::warn!(details, "the engine failed on a statement");
    let text = error.message();
    let text = if text.contains("does not satisfy order requirements") || text.contains("does not satisfy distribution")
    {
        "it cannot sort by an expression of a window or a join; compute it in an inner query, and name its column here"
            .to_owned()
    } else {
        format!("{}; write it in another way", text.lines().next().unwrap_or_default())
    };
    Error::invalid(format!("the engine cannot run this statement: {text}"))
}

/// Returns whether a step of the optimizer rejects the result of an earlier step, so that the statement itself is
/// valid.
fn is_planners_own(error: &DataFusionError) -> bool {
    match error {
        DataFusionError::Context(step, inner) if step.starts_with("Optimizer rule") || step == "SanityCheckPlan" => {
            matches!(
                inner.find_root(),
                DataFusionError::Plan(_) | DataFusionError::SchemaError(..) | DataFusionError::Internal(_)
            )
        }
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => is_planners_own(inner),
        DataFusionError::Shared(inner) => is_planners_own(inner),
        _ => false,
    }
}

/// Returns the engine's message, without its internal terms.
fn text_of(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => text_of(inner),
        DataFusionError::Shared(inner) => text_of(inner),
        DataFusionError::Collection(errors) => errors.first().map_or_else(|| error.to_string(), text_of),
        // Its own text is for debugging.
        DataFusionError::SQL(inner, _) => inner.to_string().trim_start_matches("sql parser error: ").to_owned(),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::ExternalError(inner) => text_of_external(inner.as_ref()),
            inner => inner.to_string(),
        },
        DataFusionError::External(inner) => text_of_external(inner.as_ref()),
        DataFusionError::NotImplemented(text) if is_about_subquery(text) => {
            "a subquery in this place, or with this condition on the query around it, is not supported; join its rows \
             instead, or put it into a WITH"
                .to_owned()
        }
        DataFusionError::NotImplemented(text) => {
            format!("the engine does not support this: {}", without_tree(&first_part(text)))
        }
        DataFusionError::ExecutionJoin(_) => PART_FAILED.to_owned(),
        DataFusionError::Internal(text)
        | DataFusionError::Plan(text)
        | DataFusionError::Configuration(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Substrait(text)
        | DataFusionError::Ffi(text)
        | DataFusionError::ResourcesExhausted(text) => first_part(text),
        DataFusionError::SchemaError(inner, _) => inner.to_string(),
        DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => {
            error.strip_backtrace()
        }
    }
}

fn text_of_external(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<DataFusionError>() {
        Some(inner) => text_of(inner),
        None if is_panic(error) => PART_FAILED.to_owned(),
        None => error.to_string(),
    }
}

/// The message for a panic, whose own text is only logged.
const PART_FAILED: &str = "a part of its plan failed";

/// Returns whether a task of the engine panicked.
fn is_panic(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<JoinError>() || error.is::<Arc<JoinError>>()
}

/// Returns whether the engine could not turn a subquery into a join.
fn is_about_subquery(text: &str) -> bool {
    text.contains("Physical plan does not support logical expression")
        && ["Subquery", "Exists", "SetComparison"].iter().any(|kind| text.contains(kind))
}

/// The prefixes of the engine's errors, also of those within another.
const KINDS_OF_ERRORS: [&str; 7] = [
    "Internal error: ",
    "Error during planning: ",
    "Execution error: ",
    "Arrow error: ",
    "External error: ",
    "Schema error: ",
    "This feature is not implemented: ",
];

/// Returns the text without the engine's request to report a bug, and without a backtrace.
fn first_part(text: &str) -> String {
    let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or(text);
    let text = text.split("This issue was likely caused by a bug").next().unwrap_or(text);
    let text = KINDS_OF_ERRORS.iter().fold(text.to_owned(), |text, kind| text.replace(kind, ""));
    text.trim_end().trim_end_matches('.').to_owned()
}

/// Returns the text without the tree of the statement that the planner prints for debugging: `Unsupported ast node
/// Pivot { ...`.
fn without_tree(text: &str) -> &str {
    let end = [" { ", "(Ident", "(Expr"].into_iter().filter_map(|start| text.find(start)).min();
    text[..end.unwrap_or(text.len())].trim_end()
}

/// Returns the error of a spill file that cannot be written or read: all other files are read through a store.
fn failure_of_spill(error: &DataFusionError) -> Option<Error> {
    let root = error.find_root();
    // The engine has no type for it, and reports that in two ways.
    if root.to_string().contains("max_temp_directory_size") {
        return Some(Error::new(Kind::Exhausted, SPILL_LIMIT_MESSAGE));
    }
    let cause = match root {
        DataFusionError::IoError(cause) => cause,
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::IoError(_, cause) => cause,
            _ => return None,
        },
        _ => return None,
    };
    let remedy = "free space where queries spill (`TMPDIR`), or request less at a time";
    Some(Error::new(Kind::Unavailable, format!("a query cannot write or read what it spills: {cause}; {remedy}")))
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
            ArrowError::ExternalError(inner) => kind_of_external(inner.as_ref()).unwrap_or(Kind::Invalid),
            // Overflow, division by zero, a text that is not a number: the query's own doing.
            _ => Kind::Invalid,
        },
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => kind_of(inner),
        DataFusionError::Shared(inner) => kind_of(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(Kind::Internal, kind_of),
        // A function's own: a pattern or a number that it cannot read.
        DataFusionError::External(inner) => kind_of_external(inner.as_ref()).unwrap_or(Kind::Invalid),
        DataFusionError::ExecutionJoin(_)
        | DataFusionError::Internal(_)
        | DataFusionError::Substrait(_)
        | DataFusionError::Ffi(_) => Kind::Internal,
    }
}

/// Returns the kind of a store's error: a file that the log names and the store lacks is damage; an unreachable store
/// is not.
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
    if let Some(engines) = error.downcast_ref::<DataFusionError>() {
        return Some(kind_of(engines));
    }
    if is_panic(error) {
        return Some(Kind::Internal);
    }
    if error.is::<std::io::Error>() {
        return Some(Kind::Unavailable);
    }
    if let Some(parquet) = error.downcast_ref::<ParquetError>() {
        return Some(kind_of_parquet(parquet));
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
