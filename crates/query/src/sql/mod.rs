//! SQL: statements of users with their placeholders, the guards and rules that they pass, named queries, and the
//! program's own queries.

pub(crate) mod expressions;
pub(crate) mod filter_pushdown;
mod floats;
pub(crate) mod guard;
pub(crate) mod intervals;
pub(crate) mod named_queries;
pub(crate) mod near_names;
mod null_conditions;
pub(crate) mod overflow;
pub(crate) mod parameter_value;
pub(crate) mod placeholders;
pub(crate) mod rules;
pub mod sql_files;
pub(crate) mod statement;
pub(crate) mod templates;
