//! The entries of the key index for the keys and rejects of one batch, read before the batch is judged.

use std::collections::HashMap;

use crate::index::key_state::KeyState;

/// The current versions of some keys, and the open rejects among some identities.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownVersions<'a> {
    pub(crate) keys: HashMap<&'a str, KeyState>,
    /// The content hash of each open reject, by identity.
    pub(crate) rejects: HashMap<String, [u8; 16]>,
}

impl KnownVersions<'_> {
    /// Returns the current version of a key; `None` if it has none, or was not looked up.
    pub(crate) fn key(&self, key: &str) -> Option<KeyState> {
        self.keys.get(key).copied()
    }

    /// Returns the content hash of an open reject; `None` if there is none, or it was not looked up.
    pub(crate) fn reject(&self, identity: &str) -> Option<[u8; 16]> {
        self.rejects.get(identity).copied()
    }
}
