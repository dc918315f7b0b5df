//! The remedies of findings: commands, as users type them.

use lake_store::DataFile;

/// The remedy for data that only a copy has.
pub(crate) const RESTORE: &str = "restore it from a copy of the lake";

/// Returns the command that counts one year of a resource again.
pub(crate) fn recount_year_command(resource: &str, year: Option<i32>) -> String {
    match year {
        Some(year) => format!("hotspots-lake compact --resource {resource} --window {year}..{}", year + 1),
        None => recount_command(resource),
    }
}

/// Returns the command that makes everything derived of a resource again.
pub(crate) fn recount_command(resource: &str) -> String {
    format!("hotspots-lake compact --resource {resource} --recount")
}

/// Returns what makes a damaged file right again.
pub(crate) fn file_remedy(table: &str, file: &DataFile) -> String {
    match (table.strip_prefix("raw/"), file.partition_value("resource")) {
        (None, Some(set)) if table == "boundaries" => format!("hotspots-lake ingest --full {set}"),
        (None, Some(resource)) if file.partition.contains_key("year") => {
            recount_year_command(resource, file.partition_value("year").and_then(|year| year.parse().ok()))
        }
        (None, Some(resource)) => recount_command(resource),
        _ => format!("{RESTORE}: {table}/{}", file.path),
    }
}
