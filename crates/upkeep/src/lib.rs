//! Upkeep of a lake: what was done to it, whether it is whole, what may go, and what must.

mod check;
mod compare;
mod forget;
mod history;
mod purge;
mod rejects;
mod vacuum;

pub use check::{Finding, Severity, check, damaged_definition};
pub use forget::{Forgotten, ForgottenMark, ForgottenTime, forget};
pub use history::{HistoryLine, history};
pub use rejects::rebuild_rejects;
pub use vacuum::{MIN_GUARD, VacuumOptions, Vacuumed, parse_age, vacuum};
