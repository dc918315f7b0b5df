//! The key index and its entries.

pub(crate) mod key_index;
pub(crate) mod key_state;
pub(crate) mod known_versions;
pub(crate) mod label_dictionary;
