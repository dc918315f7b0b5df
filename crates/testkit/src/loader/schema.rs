//! From a column's human title to its field name and SODA type.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::tables;

/// The columns of one dataset.
pub(super) struct Schema {
    /// Plain form of the title to field name.
    fields: BTreeMap<String, String>,
    /// Field name to type.
    kinds: BTreeMap<String, String>,
    dataset: String,
}

impl Schema {
    /// Creates the schema from the portal's metadata if present, from a built-in table otherwise.
    pub(super) fn of_dataset(data: &Path, dataset: &str) -> Self {
        let mut schema = Self { fields: BTreeMap::new(), kinds: BTreeMap::new(), dataset: dataset.to_owned() };
        if let Some(table) = tables::of_dataset(dataset) {
            for (field, kind) in table {
                schema.add(field, field, kind);
            }
            return schema;
        }
        let path = data.join(format!("socrata_metadata/transparentsf_{dataset}.json"));
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let metadata: Value =
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for column in metadata["columns"].as_array().expect("metadata lists its columns") {
            let part = |name: &str| column[name].as_str().expect("a column has names and a type");
            schema.add(part("name"), part("fieldName"), part("dataTypeName"));
        }
        if dataset == "nuek-vuh3" {
            // The point's title in exports, and its field name before it became `case_location`.
            schema.fields.insert("location".to_owned(), "case_location".to_owned());
            schema.kinds.insert("location".to_owned(), "point".to_owned());
        }
        schema
    }

    fn add(&mut self, title: &str, field: &str, kind: &str) {
        if !field.starts_with(':') {
            self.fields.insert(plain(title), field.to_owned());
        }
        self.kinds.insert(field.to_owned(), kind.to_owned());
    }

    /// Returns field name and type of the column with this title; `None` for an unnamed column, which is the row number
    /// of a re-saved file.
    pub(super) fn column(&self, title: &str) -> Option<(String, String)> {
        if title.is_empty() {
            return None;
        }
        let field =
            self.fields.get(&plain(title)).unwrap_or_else(|| panic!("{}: no column is titled {title}", self.dataset));
        Some((field.clone(), self.kind(field).to_owned()))
    }

    /// Returns the type of a field. Computed regions are numbers, whether the metadata still lists them or not.
    pub(super) fn kind(&self, field: &str) -> &str {
        match self.kinds.get(field) {
            Some(kind) => kind,
            None if field.starts_with(":@computed_region_") => "number",
            None => panic!("{}: no column is named {field}", self.dataset),
        }
    }

    /// Returns whether the portal serves the place as `lat` and `long`.
    pub(super) fn has_lat_long(&self) -> bool {
        self.kinds.contains_key("lat") && self.kinds.contains_key("long")
    }
}

/// Returns the title in lower case, each run of other characters than letters and digits replaced by one `_`.
fn plain(title: &str) -> String {
    let mut plain = String::with_capacity(title.len());
    for letter in title.chars().map(|letter| letter.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            plain.push(letter);
        } else if !plain.is_empty() && !plain.ends_with('_') {
            plain.push('_');
        }
    }
    plain.truncate(plain.trim_end_matches('_').len());
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_title_in_any_spelling_has_one_plain_form() {
        assert_eq!(plain("Status.Notes"), "status_notes");
        assert_eq!(plain("Neighborhooods - Analysis Boundaries"), "neighborhooods_analysis_boundaries");
        assert_eq!(plain("RowID"), "rowid");
        assert_eq!(plain(" Fix It Zones "), "fix_it_zones");
    }
}
