//! A version of a table that was read, and what shows that it is still the newest.

use std::sync::Arc;

use deltalake_core::table::state::DeltaTableState;

use crate::Snapshot;
use crate::delta::log_stamp::LogStamp;

/// A version that was read, the newest so far.
#[derive(Clone)]
pub(super) struct KnownVersion {
    /// As the log has it.
    pub(super) state: DeltaTableState,
    pub(super) snapshot: Arc<Snapshot>,
    /// What shows that nothing has changed since; `None` if the log does not show it.
    pub(super) stamp: Option<LogStamp>,
}
