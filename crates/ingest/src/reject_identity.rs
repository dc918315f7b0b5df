//! What a reject is known by, and when it is the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lake_model::{Resource, Result};
use lake_portal::{Reject, canonical_json};
use serde_json::value::RawValue;

use crate::key_index::KeyIndex;

/// What a reject that has landed is known by: the portal's id, or else its text.
pub(crate) fn identity(portal_id: Option<&str>, original: &str) -> String {
    let identity = portal_id.map_or_else(|| text_identity(original), str::to_owned);
    debug_assert!(!identity.is_empty(), "the decoder takes an empty id for absent");
    identity
}

/// What a reject of a page is known by: the portal's id; the text of one that landed so; or else what it says, however it
/// is written, which then lands in the place of the id.
pub(crate) fn identity_of(index: &KeyIndex, reject: &Reject) -> Result<String> {
    if let Some(id) = &reject.portal_id {
        return Ok(id.clone());
    }
    let text = text_identity(&reject.original);
    if index.reject(&text)?.is_some() { Ok(text) } else { Ok(text_identity(&canonical_json(&reject.original))) }
}

fn text_identity(text: &str) -> String {
    format!("text:{}", blake3::hash(text.as_bytes()).to_hex())
}

/// A hash of what a reject says: its values but for the portal's own fields, which a publisher stamps anew, and the
/// columns that are volatile; of its whole text where it is no object.
pub(crate) fn content(resource: &Resource, original: &str) -> [u8; 16] {
    let volatile = |name: &str| {
        let mut columns = resource.columns.iter().filter(|column| column.volatile);
        columns.any(|column| column.name == name || column.aliases.iter().any(|alias| alias == name))
    };
    let mut hasher = blake3::Hasher::new();
    match serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(original) {
        Ok(values) => {
            let told = values
                .iter()
                .filter(|(name, value)| !name.starts_with(':') && !volatile(name) && value.get() != "null");
            for (name, value) in told {
                for text in [name.as_ref(), &canonical_json(value.get())] {
                    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
                }
            }
        }
        Err(_) => drop(hasher.update(canonical_json(original).as_bytes())),
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    short
}
