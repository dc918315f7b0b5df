//! Where the definition of a resource or of a set of boundaries comes from, and which of several holds.

use serde::{Deserialize, Serialize};

/// Where a definition comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The program comes with it.
    Program,
    /// A file that the user names.
    #[default]
    File,
    /// The lake: rows landed under it.
    Lake,
}

/// A definition as it was written, so that a lake can keep it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// The text of its TOML file.
    pub toml: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// A definition as a lake stores it with the rows that landed under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDefinition {
    /// The text of its TOML file.
    pub toml: String,
    /// Where it came from: [`Origin::Program`] or [`Origin::File`].
    pub origin: Origin,
}

impl StoredDefinition {
    /// Returns whether it holds where the program, or a file of the user, defines the same name as well.
    ///
    /// A file that the user names is newer than the stored definition. A built-in definition is newer only than one of
    /// an earlier version of the program: it does not undo a user's choice.
    pub fn outranks(&self, other: Origin) -> bool {
        match other {
            Origin::File => false,
            Origin::Program => self.origin == Origin::File,
            Origin::Lake => true,
        }
    }
}

impl Definition {
    /// Returns what the lake has to store in place of `stored`; none if that may stay.
    pub fn to_store(&self, stored: Option<&StoredDefinition>) -> Option<StoredDefinition> {
        let is_stored = stored.is_some_and(|stored| stored.toml == self.toml);
        (self.origin != Origin::Lake && !is_stored)
            .then(|| StoredDefinition { toml: self.toml.clone(), origin: self.origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_outranks_the_lake_and_the_lake_keeps_what_was_chosen() {
        let stored = |origin| StoredDefinition { toml: String::new(), origin };
        for (stored_from, other, holds) in [
            (Origin::File, Origin::File, false),
            (Origin::Program, Origin::File, false),
            (Origin::File, Origin::Program, true),
            (Origin::Program, Origin::Program, false),
        ] {
            assert_eq!(stored(stored_from).outranks(other), holds, "{stored_from:?} against {other:?}");
        }
    }

    #[test]
    fn what_is_stored_already_is_not_stored_again() {
        let of = |toml: &str, origin| Definition { toml: toml.to_owned(), origin };
        let stored = StoredDefinition { toml: "a".to_owned(), origin: Origin::File };
        assert_eq!(of("a", Origin::Program).to_store(Some(&stored)), None);
        assert_eq!(of("a", Origin::Lake).to_store(None), None);
        let new = of("b", Origin::File).to_store(Some(&stored)).expect("another text");
        assert_eq!((new.toml.as_str(), new.origin), ("b", Origin::File));
        assert!(of("a", Origin::Program).to_store(None).is_some());
    }
}
