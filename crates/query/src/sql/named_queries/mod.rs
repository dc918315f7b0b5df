//! Named queries: SQL files whose header declares a title, parameters and columns.

pub(crate) mod named_query;
pub(crate) mod queries;
pub(crate) mod query_header;
