//! The program's own queries: a constant for each file of `queries/` that is not a named query. The comment at the head
//! of a file describes its rows.

macro_rules! sql_files {
    ($($name:ident = $file:literal;)*) => {
        $(
            #[doc = concat!("The text of `queries/", $file, "`.")]
            pub const $name: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../queries/", $file));
        )*

        /// The files that have a constant.
        #[cfg(test)]
        const FILES: &[&str] = &[$($file),*];
    };
}

sql_files! {
    AUDIT_MONTHLY = "audit/monthly.sql";
    AUDIT_OPEN_REJECTS = "audit/open_rejects.sql";
    COMPACT_ANSWERED = "compact/answered.sql";
    COMPACT_CHANGED = "compact/changed.sql";
    COMPACT_COUNTS = "compact/counts.sql";
    COMPACT_CURRENT = "compact/current.sql";
    COMPACT_DRIFT = "compact/drift.sql";
    COMPACT_KEYS = "compact/keys.sql";
    COMPACT_LANDED = "compact/landed.sql";
    COMPACT_RECOUNTED = "compact/recounted.sql";
    COMPACT_SIGNED = "compact/signed.sql";
    COMPACT_SUPERSEDED = "compact/superseded.sql";
    COMPACT_UNKNOWN_DRIFT = "compact/unknown_drift.sql";
    INGEST_FILE_IN_ORDER = "ingest/file_in_order.sql";
    INGEST_HOLDERS = "ingest/holders.sql";
    INGEST_LANDED = "ingest/landed.sql";
    INGEST_NEWEST_BY_ID = "ingest/newest_by_id.sql";
    INGEST_OPEN_REJECTS = "ingest/open_rejects.sql";
    INGEST_TOMBSTONES = "ingest/tombstones.sql";
    MAINTENANCE_COUNTS_OF_INCIDENTS_DIFFER = "maintenance/counts_of_incidents_differ.sql";
    MAINTENANCE_FORGOTTEN = "maintenance/forgotten.sql";
    MAINTENANCE_PORTAL_IDS = "maintenance/portal_ids.sql";
    MAINTENANCE_REJECTS = "maintenance/rejects.sql";
    MAINTENANCE_REJECTS_DIFFER = "maintenance/rejects_differ.sql";
    MAINTENANCE_REMAINING = "maintenance/remaining.sql";
    REPORTS_INCIDENTS_BY_RESOURCE = "reports/incidents_by_resource.sql";
    REPORTS_REJECTS = "reports/rejects.sql";
    REPORTS_REJECTS_BY_RESOURCE = "reports/rejects_by_resource.sql";
    SERVE_OPEN_REJECTS = "serve/open_rejects.sql";
    SERVE_RESOURCE_TOTALS = "serve/resource_totals.sql";
    VIEWS_BOUNDARIES = "views/boundaries.sql";
    VIEWS_CHANGED = "views/changed.sql";
    VIEWS_CORRECTIONS = "views/corrections.sql";
    VIEWS_COUNTS = "views/counts.sql";
    VIEWS_INCIDENTS_PENDING = "views/incidents_pending.sql";
    VIEWS_INCIDENTS_STORED = "views/incidents_stored.sql";
    VIEWS_REJECTS = "views/rejects.sql";
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::FILES;
    use crate::sql::named_queries::queries::Queries;

    #[test]
    fn every_sql_file_is_a_constant_or_a_named_query() {
        let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../queries");
        let named = Queries::built_in().expect("right headers");
        let mut found = 0;
        for folder in std::fs::read_dir(&queries).expect("the folder").map(|entry| entry.expect("an entry").path()) {
            for path in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
                let file = path.strip_prefix(&queries).expect("below the folder").to_str().expect("UTF-8");
                let is_named = named.get(file.trim_end_matches(".sql")).is_ok();
                assert!(is_named != FILES.contains(&file), "{file}");
                found += 1;
            }
        }
        assert_eq!(found, named.iter().count() + FILES.len());
    }
}
