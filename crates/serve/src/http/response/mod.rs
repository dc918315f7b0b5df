//! Responses: their bodies, tags and headers.

pub(crate) mod answer_tag;
pub(crate) mod entity_tag;
pub(crate) mod lake_headers;
pub(crate) mod rows_body;
pub(crate) mod server_timing;
