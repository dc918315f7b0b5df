//! The column that each title of a CSV export denotes.
//!
//! Socrata derives a column's field name from its title: lower case, `_` for every run of other characters, in older
//! datasets with a `_` at the end if the title ends so. So a title denotes a declared column if `[titles]` declares it,
//! if it is its name or an alias unchanged, or leads to the same field name.

use std::collections::HashMap;

use lake_model::{Column, Error, Result, listed, nearest};

use crate::decode::decoder::Decoder;
use crate::decode::findings::{is_needed, roles};

/// The most columns that a message names.
const MAX_NAMED: usize = 12;

/// The columns of a file.
#[derive(Debug)]
pub(crate) struct Header {
    /// The field name of each column of the file.
    pub(crate) names: Vec<String>,
    /// Remarks about the file's columns for its user.
    pub(crate) warning: Option<String>,
}

/// Returns a column title as a field name: lower case, everything else `_`, none at the ends.
pub(crate) fn field_name(title: &str) -> String {
    let mut name = String::new();
    for c in title.trim().chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') && !name.is_empty() {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

/// The declared names by what may be written in a header.
struct TitleIndex<'d> {
    exact: HashMap<String, &'d str>,
    /// By the field name that each title leads to.
    titles: HashMap<String, &'d str>,
    /// `None` where two columns have it.
    by_field_name: HashMap<String, Option<&'d str>>,
}

impl<'d> TitleIndex<'d> {
    fn new(columns: &'d [Column]) -> Self {
        let mut names = Self { exact: HashMap::new(), titles: HashMap::new(), by_field_name: HashMap::new() };
        for column in columns {
            for title in &column.titles {
                names.titles.insert(field_name(title), &column.name);
            }
            for name in column.names() {
                names.exact.insert(name.to_lowercase(), name);
                let of_another =
                    |other: &Option<&str>| other.is_some_and(|other| !column.names().any(|name| name == other));
                match names.by_field_name.get_mut(&field_name(name)) {
                    Some(other) if other.is_none() || of_another(other) => *other = None,
                    Some(_) => {}
                    None => drop(names.by_field_name.insert(field_name(name), Some(name))),
                }
            }
        }
        names
    }

    /// Returns the declared name or alias that a title denotes.
    fn find(&self, title: &str) -> Option<&'d str> {
        if title.trim().starts_with(':') {
            return None;
        }
        let (lower, name) = (title.trim().to_lowercase(), field_name(title));
        let declared = self.exact.get(&lower).or_else(|| self.titles.get(&name)).copied();
        declared.or_else(|| self.by_field_name.get(&name).copied().flatten())
    }
}

/// Returns how many of the titles denote a declared column.
pub(crate) fn count_declared<'t>(decoder: &Decoder, titles: impl Iterator<Item = &'t str>) -> usize {
    let names = TitleIndex::new(&decoder.resource().columns);
    titles.filter(|title| names.find(title).is_some()).count()
}

/// Returns the field name of each title.
///
/// # Errors
/// If two titles denote one name, or a column of the key, the time or the place is missing.
pub(crate) fn read_header(decoder: &Decoder, titles: &[&str]) -> Result<Header> {
    let known = TitleIndex::new(&decoder.resource().columns);
    let mut names: Vec<String> = Vec::with_capacity(titles.len());
    let mut spare = Vec::new();
    for title in titles {
        let declared = known.find(title);
        let mut name = match (declared, title.trim().strip_prefix(':')) {
            (Some(name), _) => name.to_owned(),
            // The portal's own fields, as rows have them.
            (None, Some(system)) => format!(":{}", system.to_lowercase()),
            (None, None) => field_name(title),
        };
        if let Some(other) = names.iter().position(|other| *other == name) {
            if declared.is_some() || name.starts_with(':') {
                let (one, other) = (titles[other].trim(), title.trim());
                let what = if one == other {
                    format!("two columns are titled `{one}`")
                } else {
                    format!("the columns `{one}` and `{other}` both denote `{name}`")
                };
                return Err(Error::invalid(format!("{what}; remove or rename one of them")));
            }
            name = (2..).map(|n| format!("{name}_{n}")).find(|name| !names.contains(name)).unwrap_or(name);
        }
        if declared.is_none() {
            spare.push(name.clone());
        }
        names.push(name);
    }
    let warning = missing(decoder, &names, titles, &spare)?;
    Ok(Header { names, warning })
}

/// Returns the declared columns that no title denotes, as a warning; needed ones are an error.
fn missing(decoder: &Decoder, names: &[String], titles: &[&str], spare: &[String]) -> Result<Option<String>> {
    let resource = decoder.resource();
    let is_there = |column: &Column| names.iter().any(|name| column.names().any(|other| other == name));
    // The nearest title that denotes no other column.
    let near = |column: &Column| {
        let name = column.names().find_map(|name| nearest(name, spare.iter().map(String::as_str)))?;
        let at = names.iter().position(|other| other == name)?;
        Some(titles[at].trim())
    };
    for (role, name) in roles(resource).into_iter().filter(|(role, _)| is_needed(role)) {
        let Some(column) = resource.column(name).filter(|column| !is_there(column)) else { continue };
        let hint = match near(column) {
            Some(title) => {
                format!("is it `{title}`? Then declare `{title:?} = \"{name}\"` in [titles] of the resource file")
            }
            None => format!("the columns are {}", listed(titles.iter().take(MAX_NAMED).map(|title| title.trim()))),
        };
        return Err(Error::invalid(format!(
            "no column is `{name}`, the {role} of {}; {hint}; a portal's /resource/{}.csv names its columns as the \
             resource file does",
            resource.name, resource.dataset
        )));
    }
    let roles = roles(resource);
    let mut missing: Vec<&Column> = resource.columns.iter().filter(|column| !is_there(column)).collect();
    // Those of a role first, then those that have only another title.
    missing.sort_by_key(|column| (!roles.iter().any(|(_, name)| *name == column.name), near(column).is_none()));
    let described = |column: &&Column| {
        let role = roles.iter().find(|(_, name)| *name == column.name).map(|(role, _)| format!(" ({role})"));
        let near = near(column).map(|title| format!(", nearest title `{title}`"));
        format!("`{}`{}{}", column.name, role.unwrap_or_default(), near.unwrap_or_default())
    };
    let mut named: Vec<String> = missing.iter().take(MAX_NAMED).map(described).collect();
    if missing.len() > MAX_NAMED {
        named.push(format!("{} more", missing.len() - MAX_NAMED));
    }
    Ok((!named.is_empty()).then(|| format!("declared columns that no title denotes: {}", named.join("; "))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lake_model::Resource;

    use super::*;

    const RESOURCE: &str = r#"
name = "city-calls"
title = "Calls"
portal = "https://data.example.org"
dataset = "aaaa-bbbb"
city = "Example"
zone = "UTC"
cadence = "1h"
key = ["id"]

[roles]
occurred_at = "seen_at"
category = "what_is_it_"
point = "place"

[bounds]
west = -1.0
south = -1.0
east = 1.0
north = 1.0

[columns]
id = "text"
seen_at = { type = "timestamp", aliases = ["opened"] }
what_is_it_ = "text"
place = "point"
place_ = "text"
x_coordinate_state_plane_ = "number"
closed = "timestamp"

[titles]
"Case No." = "id"
"#;

    fn read(titles: &[&str]) -> Result<Header> {
        read_header(&Decoder::new(&Arc::new(Resource::parse("r.toml", RESOURCE)?)), titles)
    }

    #[test]
    fn titles_stand_for_columns_as_socrata_names_them() {
        let titles =
            ["CASE NO.", "Seen  At", "What Is It?", "place", "place_", "X Coordinate (State Plane)", "closed", "New"];
        let header = read(&titles).expect("a header");
        let expected =
            ["id", "seen_at", "what_is_it_", "place", "place_", "x_coordinate_state_plane_", "closed", "new"];
        assert_eq!(header.names, expected);
        assert_eq!(header.warning, None);
        let aliased = read(&["ID", "Opened", "Place", ":id", ":Updated_At", ":@computed_region_a", "New", "new"]);
        let expected = ["id", "opened", "place", ":id", ":updated_at", ":@computed_region_a", "new", "new_2"];
        assert_eq!(aliased.expect("a header").names, expected);
    }

    #[test]
    fn a_missing_column_is_warned_of_with_the_nearest_title() {
        let warning =
            read(&["id", "seen at", "place", "What is its", "X"]).expect("a header").warning.expect("a warning");
        assert!(warning.contains("`what_is_it_` (category), nearest title `What is its`"), "{warning}");
        assert!(warning.contains("`closed`"), "{warning}");
    }

    #[test]
    fn titles_without_key_time_or_place_or_alike_are_refused() {
        for (titles, says) in [
            (vec!["seen_at", "place"], "no column is `id`, the key"),
            (vec!["id", "place", "Sen at"], "is it `Sen at`"),
            (vec!["id", "seen_at"], "no column is `place`"),
            (vec!["id", "seen_at", "place", "id"], "two columns are titled `id`"),
            (vec!["id", "seen_at", "place", "Seen  At"], "`seen_at` and `Seen  At` both denote `seen_at`"),
        ] {
            let error = read(&titles).expect_err(says).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
