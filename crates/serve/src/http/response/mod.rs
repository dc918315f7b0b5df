//! Responses: their bodies, tags and headers.

pub(crate) mod answer_tag;
pub(crate) mod rows_body;
