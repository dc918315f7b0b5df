//! The outcome of a page.

/// The outcome of the rows of a page, or of several pages added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageReport {
    /// The batch that the page became; `None` if it changed nothing, not even the cursor.
    pub batch: Option<i64>,
    /// Rows the portal served.
    pub published: u64,
    /// Rows with new keys.
    pub new: u64,
    /// Rows with changed content.
    pub changed: u64,
    /// Rows whose content had landed already.
    pub unchanged: u64,
    /// Rows older than the key's current version.
    pub stale: u64,
    /// Rows that are rejects, new ones and known ones.
    pub rejected: u64,
    /// Rows whose key another row of the same page has as well; the one with the later `:updated_at` counts, or the
    /// later row where both have the same.
    pub doubled: u64,
    /// Tombstones, of keys and of rejects that the source no longer has.
    pub deleted: u64,
}
