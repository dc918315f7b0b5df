//! Audit: the lake held against the portal, by month and category or key by key, and mended where they differ.
