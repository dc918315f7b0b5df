//! The result of an audit.

use lake_ingest::{KeySample, PageReport};
use lake_model::{Cursor, Window};
use lake_store::{AuditOutcome, LastAudit};

/// A month and category in which lake and portal differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The month's start, wall-clock microseconds; none for the undated.
    pub month: Option<i64>,
    /// The category.
    pub category: Option<String>,
    /// Rows that the portal counts.
    pub portal: i64,
    /// Incidents and open rejects of the lake.
    pub lake: i64,
}

impl Difference {
    /// Returns lake minus portal.
    pub fn drift(&self) -> i64 {
        self.lake - self.portal
    }
}

/// The result of a repair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepairReport {
    /// Rows that were read again.
    pub read: u64,
    /// Rows that landed, new or changed.
    pub landed: u64,
    /// Tombstones that landed.
    pub deleted: u64,
    /// Whether all of the resource was read again, because its next run would have continued in the future.
    pub restarted: bool,
    /// Why nothing was deleted, although something is gone.
    pub withheld: Option<String>,
}

impl RepairReport {
    /// Adds a page that was landed.
    pub(crate) fn add(&mut self, landed: PageReport) {
        self.read += landed.published;
        self.landed += landed.new + landed.changed;
    }
}

/// The result of an audit of one resource.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    /// The resource.
    pub resource: String,
    /// Rows that the portal counts.
    pub portal_rows: i64,
    /// Incidents and open rejects of the lake.
    pub lake_rows: i64,
    /// Where they differ, by month and category.
    pub differences: Vec<Difference>,
    /// Keys that the lake has and the portal no longer has, where keys were compared.
    pub gone: KeySample,
    /// Keys that the portal has and the lake has not, where keys were compared.
    pub missing: KeySample,
    /// Keys of which the portal has only versions older than the lake's, where keys were compared.
    pub outdated: KeySample,
    /// Keys that several live rows of the portal have, with how many: the lake counts one incident for each.
    pub doubled: Vec<(String, u64)>,
    /// Where the next run would continue, if that is in the future: changes are not read.
    pub stuck: Option<Cursor>,
    /// The result of a repair, if there was one.
    pub repair: Option<RepairReport>,
}

impl Audit {
    /// Returns whether lake and portal agree.
    pub fn agrees(&self) -> bool {
        self.stuck.is_none()
            && self.differences.is_empty()
            && [&self.gone, &self.missing, &self.outdated].iter().all(|keys| keys.count == 0)
    }

    /// Returns the sum of the absolute drifts.
    pub fn drift(&self) -> i64 {
        self.differences.iter().map(|d| d.drift().abs()).sum()
    }

    /// Returns what the lake stores of it.
    pub(crate) fn to_last_audit(&self, window: Option<Window>) -> LastAudit {
        let outcome = if self.agrees() { AuditOutcome::Agreed } else { AuditOutcome::Drift };
        LastAudit {
            drift: Some(self.differences.iter().map(Difference::drift).sum()),
            differences: Some(self.differences.len() as u64),
            ..LastAudit::new(window, outcome)
        }
    }
}
