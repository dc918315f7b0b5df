//! Maintenance of a lake: audits against the portal, its history, checks of every file, vacuum, and `forget`.

mod audit;
mod check;
mod forget;
mod history;
mod rebuild_rejects;
mod vacuum;

pub use audit::{Audit, AuditOptions, Auditor, Difference, Mended};
pub use check::{Finding, Severity, check, damaged_definition};
pub use forget::{Forgotten, forget};
pub use history::{HistoryLine, history};
pub use rebuild_rejects::rebuild_rejects;
pub use vacuum::{MIN_GUARD, VacuumOptions, Vacuumed, parse_age, vacuum};
