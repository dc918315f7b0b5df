//! The identity of a reject, and the hash by which two versions of it are distinguished.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lake_model::Resource;
use lake_portal::{Reject, canonical_json};
use serde_json::value::RawValue;

use crate::index::known_versions::KnownVersions;

/// Returns the identity of a reject that has landed: the portal's id, or else its text.
pub(crate) fn stored_identity(portal_id: Option<&str>, original: &str) -> String {
    let identity = portal_id.map_or_else(|| text_identity(original), str::to_owned);
    debug_assert!(!identity.is_empty(), "the decoder takes an empty id for absent");
    identity
}

/// Returns the identities under which a reject of a page may have landed: the portal's id; or the text of one that
/// landed so, and its content in canonical form, which replaces a missing id.
pub(crate) fn possible_identities(reject: &Reject) -> Vec<String> {
    match &reject.portal_id {
        Some(id) => vec![id.clone()],
        None => vec![text_identity(&reject.original), text_identity(&canonical_json(&reject.original))],
    }
}

/// Returns the identity of a reject of a page: the first of its possible ones that has landed, else the last.
pub(crate) fn choose_identity(known: &KnownVersions<'_>, possible: &[String]) -> String {
    let landed = possible.iter().find(|identity| known.reject(identity).is_some());
    landed.or(possible.last()).cloned().unwrap_or_default()
}

fn text_identity(text: &str) -> String {
    format!("text:{}", blake3::hash(text.as_bytes()).to_hex())
}

/// Returns a hash of a reject's content: its values except the portal's own fields, which a publisher stamps again, and
/// the volatile columns; of its complete text if it is not an object.
pub(crate) fn content_hash(resource: &Resource, original: &str) -> [u8; 16] {
    let volatile = |name: &str| {
        let mut columns = resource.columns.iter().filter(|column| column.volatile);
        columns.any(|column| column.name == name || column.aliases.iter().any(|alias| alias == name))
    };
    let mut hasher = blake3::Hasher::new();
    match serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(original) {
        Ok(values) => {
            let declared = values
                .iter()
                .filter(|(name, value)| !name.starts_with(':') && !volatile(name) && value.get() != "null");
            for (name, value) in declared {
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
