//! Decoding rows as published into typed columns, keys, content hashes and rejects.

pub(crate) mod canonical_json;
pub(crate) mod column_builder;
pub(crate) mod content_hash;
pub(crate) mod decoder;
pub(crate) mod findings;
pub(crate) mod page;
pub(crate) mod page_builder;
pub(crate) mod points;
pub(crate) mod published;
pub(crate) mod row;
pub(crate) mod row_rules;
pub(crate) mod stamp_order;
pub(crate) mod times;
pub(crate) mod value;
