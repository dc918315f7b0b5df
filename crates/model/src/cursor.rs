//! The position at which a scan of a portal continues.

use serde::{Deserialize, Serialize};

/// The last row read, in the portal's total order `(:updated_at, :id)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Its `:updated_at`, as published.
    pub updated_at: String,
    /// Its `:id`.
    pub id: String,
}
