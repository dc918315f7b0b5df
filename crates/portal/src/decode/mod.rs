//! Decoding rows as published into typed columns, keys, content hashes and rejects.

pub(crate) mod canonical_json;
pub(crate) mod column_builder;
pub(crate) mod content_hash;
pub(crate) mod decoder;
pub(crate) mod findings;
pub(crate) mod points;
pub(crate) mod row;
pub(crate) mod times;
pub(crate) mod value;
