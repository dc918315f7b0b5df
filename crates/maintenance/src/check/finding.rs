//! A finding of a check, and its severity.

use lake_model::Error;
use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is wrong.
    Note,
    /// Tables that should agree do not.
    Differs,
    /// Stored bytes are not what was written.
    Damaged,
}

/// Something that `check` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The table, file, or part of a table.
    pub object: String,
    /// The description of the damage.
    pub finding: String,
    /// The remedy, a command if there is one.
    #[serde(rename = "mend")]
    pub remedy: String,
}

impl Finding {
    pub(crate) fn damaged(object: String, finding: String, remedy: String) -> Self {
        Self { severity: Severity::Damaged, object, finding, remedy }
    }

    pub(crate) fn differs(object: String, finding: String, remedy: String) -> Self {
        Self { severity: Severity::Differs, object, finding, remedy }
    }
}

/// The findings so far.
#[derive(Debug, Default)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    fn is_damaged(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Damaged)
    }

    /// Adds a finding for damage met during a comparison. Files with findings of their own are not reported again.
    pub(crate) fn push_unreadable(&mut self, object: String, what: &str, error: &Error, remedy: String) {
        if !self.is_damaged() {
            self.push(Finding::damaged(object, format!("{what}: {error}"), remedy));
        }
    }
}
