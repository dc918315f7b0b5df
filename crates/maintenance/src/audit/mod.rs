//! Audit: the lake held against the portal, by month and category or key by key, and repaired where they differ.
//!
//! The portal counts its own rows; the lake's incidents and rejects together must be as many, in every month and
//! category. A comparison during which the source changed proves nothing and is repeated.

mod auditor;
mod lake_counts;
mod repair;
mod report;

pub use auditor::{AuditOptions, Auditor};
pub use report::{Audit, Difference, RepairReport};
