//! Maintenance of a lake: audits against the portal, its history, checks of every file, vacuum, and `forget`.

mod audit;
mod check;
mod forget;
mod history;
mod rebuild_rejects;
mod vacuum;

pub use audit::{Audit, AuditOptions, Auditor, Difference, RepairReport};
pub use check::{Finding, Severity, check, damaged_definition};
pub use forget::{ForgetReport, forget};
pub use history::{HistoryLine, read_history};
pub use rebuild_rejects::rebuild_rejects;
pub use vacuum::{MIN_RETENTION, VacuumOptions, VacuumReport, parse_age, vacuum};
