//! Compaction: the exact recount of what has landed.
