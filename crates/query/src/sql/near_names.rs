//! The table that a mistyped name most likely meant.

use datafusion::prelude::SessionContext;
use lake_model::{Error, nearest};

/// The schemas whose tables users name; the first is the one that needs no name of its own.
const SCHEMAS: [&str; 3] = ["main", "raw", "stored"];

/// Adds the nearest existing name to the error about a missing table.
pub(crate) fn suggest_table(error: Error, context: &SessionContext) -> Error {
    let Some(given) = missing_table(error.message()) else { return error };
    let (schema, table) = given.rsplit_once('.').unwrap_or(("", given));
    let schema = schema.rsplit('.').next().unwrap_or(schema);
    let known: Vec<(&str, String)> = SCHEMAS
        .into_iter()
        .filter_map(|schema| Some((schema, context.catalog("lake")?.schema(schema)?)))
        .flat_map(|(schema, provider)| provider.table_names().into_iter().map(move |name| (schema, name)))
        .collect();
    let normal = |name: &str| name.to_lowercase().replace(['-', ' '], "_");
    // The same name in another spelling or schema, then one that is near: in the schema that was named, then in any.
    let same = known.iter().find(|(_, name)| normal(name) == normal(table));
    let near = |within: Option<&str>| {
        let mut names: Vec<&(&str, String)> =
            known.iter().filter(|(schema, _)| within.is_none_or(|within| within == *schema)).collect();
        names.sort();
        let name = nearest(&normal(table), names.iter().map(|(_, name)| name.as_str()))?;
        known.iter().find(|(schema, known)| known == name && within.is_none_or(|within| within == *schema))
    };
    let found = same.or_else(|| near(Some(schema))).or_else(|| near(None));
    match found {
        None => Error::new(error.kind(), format!("{error}; SHOW TABLES lists those that are there")),
        Some((schema, name)) => {
            Error::new(error.kind(), format!("{error}; did you mean `{}`?", quote_if_needed(schema, name)))
        }
    }
}

/// Returns the name in `table 'lake.raw.x' not found`.
fn missing_table(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("table '")?;
    rest.split_once("' not found").map(|(name, _)| name)
}

/// Returns a table's name as in a statement: quoted if it would not be an identifier otherwise.
fn quote_if_needed(schema: &str, name: &str) -> String {
    let is_bare = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let name = if is_bare { name.to_owned() } else { format!("\"{name}\"") };
    if schema == "main" { name } else { format!("{schema}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_spelled_as_a_statement_needs_it() {
        assert_eq!(quote_if_needed("raw", "311_cases"), "raw.\"311_cases\"");
        assert_eq!(quote_if_needed("raw", "fire_incidents"), "raw.fire_incidents");
        assert_eq!(quote_if_needed("main", "incidents"), "incidents");
        assert_eq!(missing_table("line 1, column 2: table 'lake.raw.x-y' not found"), Some("lake.raw.x-y"));
        assert_eq!(missing_table("no such column"), None);
    }
}
