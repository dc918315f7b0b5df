//! Boundaries: a published set of outlines (neighborhoods, districts) and which labels of incidents they belong to, as
//! declared in a TOML file. A reference resource: nothing of it is counted.

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantNames};
use toml::Spanned;

use crate::resource::{SourceFile, check_name, check_source, parse_cadence, syntax_error};
use crate::{Cadence, Definition, Origin, Resource, Result};

/// Which label of an incident names the boundary that it is in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, IntoStaticStr, VariantNames,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum BoundaryDimension {
    /// Its neighborhood.
    Neighborhood,
    /// Its district.
    District,
}

impl BoundaryDimension {
    /// Every one, by name.
    pub const NAMES: &'static [&'static str] = Self::VARIANTS;

    /// Returns its name: that of the dimension in counts and incidents.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the column of a resource that holds the label, if one does.
    pub(crate) fn column(self, resource: &Resource) -> Option<&str> {
        match self {
            Self::Neighborhood => resource.roles.neighborhood.as_deref(),
            Self::District => resource.roles.district.as_deref(),
        }
    }
}

/// How published labels are respelled, so that they equal those of incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LetterCase {
    /// Each word with a capital: `Outer Mission` for `OUTER MISSION`.
    Title,
    /// All capitals.
    Upper,
    /// No capitals.
    Lower,
}

impl LetterCase {
    /// Returns a label in this case.
    pub fn apply(self, label: &str) -> String {
        match self {
            Self::Upper => label.to_uppercase(),
            Self::Lower => label.to_lowercase(),
            Self::Title => {
                let mut begins = true;
                let mut spelled = String::with_capacity(label.len());
                for letter in label.chars() {
                    if begins {
                        spelled.extend(letter.to_uppercase());
                    } else {
                        spelled.extend(letter.to_lowercase());
                    }
                    begins = !(letter.is_alphanumeric() || letter == '\'');
                }
                spelled
            }
        }
    }
}

/// A published set of boundaries and how to read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Boundaries {
    /// Its name in the lake: lower case, digits and hyphens.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The portal's base URL.
    pub portal: String,
    /// The dataset's id at the portal.
    pub dataset: String,
    /// The city.
    pub city: String,
    /// How often to look.
    pub cadence: Cadence,
    /// Which label of incidents it explains.
    pub dimension: BoundaryDimension,
    /// The column of the label, by the names it had or may have at the portal; the first that a row has counts.
    pub label: Vec<String>,
    /// The column of a name for people, if the label is not one (a number).
    pub display_name: Option<String>,
    /// The column of the geometry: a GeoJSON Polygon or MultiPolygon, longitude and latitude in degrees (WGS 84).
    pub geometry: String,
    /// How labels are respelled; as published, if none.
    pub case: Option<LetterCase>,
    /// The resources whose incidents carry these labels.
    pub resources: Vec<String>,
    /// Its file.
    #[serde(skip)]
    pub definition: Definition,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    title: String,
    portal: Spanned<String>,
    dataset: Spanned<String>,
    city: String,
    cadence: Spanned<String>,
    boundaries: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    dimension: BoundaryDimension,
    label: Spanned<OneOrMany>,
    #[serde(default)]
    display_name: Option<String>,
    geometry: Spanned<String>,
    #[serde(default)]
    case: Option<LetterCase>,
    #[serde(default)]
    resources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "the name of a column, or a list of its names")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Boundaries {
    /// Returns whether a file is one of boundaries: it has a table `[boundaries]`.
    pub fn is_boundaries_file(text: &str) -> bool {
        text.lines().any(|line| line.trim_start().starts_with("[boundaries]"))
    }

    /// Parses the file of a set; `file` names it in errors.
    ///
    /// # Errors
    /// An invalid file gets an error with the line, the key and the accepted values.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let source = SourceFile { file, text };
        let parsed: File = toml::from_str(text).map_err(|e| syntax_error(&source, &e))?;
        check_name(&source, &parsed.name)?;
        check_source(&source, &parsed.portal, &parsed.dataset)?;
        let cadence = parse_cadence(&source, &parsed.cadence)?;
        let table = parsed.boundaries;
        let span = table.label.span();
        let label = match table.label.into_inner() {
            OneOrMany::One(name) => vec![name],
            OneOrMany::Many(names) => names,
        };
        if label.is_empty() || label.iter().any(String::is_empty) {
            return Err(source.error(span, "label", "name the column of the label"));
        }
        if table.geometry.get_ref().is_empty() {
            return Err(source.error(table.geometry.span(), "geometry", "name the column of the geometry"));
        }
        Ok(Self {
            name: parsed.name.into_inner(),
            title: parsed.title,
            portal: parsed.portal.into_inner().trim_end_matches('/').to_owned(),
            dataset: parsed.dataset.into_inner(),
            city: parsed.city,
            cadence,
            dimension: table.dimension,
            label,
            display_name: table.display_name,
            geometry: table.geometry.into_inner(),
            case: table.case,
            resources: table.resources,
            definition: Definition { toml: text.to_owned(), origin: Origin::File },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "city-wards"
title = "Wards"
portal = "https://data.example.org"
dataset = "aaaa-bbbb"
city = "Example"
cadence = "30d"

[boundaries]
dimension = "district"
label = ["ward", "ward_name"]
geometry = "the_geom"
case = "title"
"#;

    #[test]
    fn a_good_file_is_read() {
        assert!(Boundaries::is_boundaries_file(GOOD));
        let set = Boundaries::parse("good.toml", GOOD).expect("boundaries");
        assert_eq!(set.label, ["ward", "ward_name"]);
        assert_eq!((set.dimension, set.case), (BoundaryDimension::District, Some(LetterCase::Title)));
        let one = GOOD.replace("[\"ward\", \"ward_name\"]", "\"ward\"");
        assert_eq!(Boundaries::parse("good.toml", &one).expect("boundaries").label, ["ward"]);
    }

    #[test]
    fn a_wrong_file_gets_the_line_the_key_and_what_it_may_be() {
        for (from, to, line, says) in [
            ("\"district\"", "\"ward\"", 10, "`neighborhood`"),
            ("cadence = \"30d\"", "cadence = \"monthly\"", 7, "a number and s, m, h or d"),
            ("case = \"title\"", "caze = \"title\"", 13, "expected one of"),
            ("label = [\"ward\", \"ward_name\"]", "label = []", 11, "the column of the label"),
            ("label = [\"ward\", \"ward_name\"]", "label = 7", 11, "the name of a column"),
            ("geometry = \"the_geom\"", "geometry = \"\"", 12, "the column of the geometry"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            let error = Boundaries::parse("wrong.toml", &text).expect_err(to).to_string();
            assert!(error.starts_with(&format!("wrong.toml:{line}:")), "{to}: {error}");
            assert!(error.contains(says), "{to}: {error}");
        }
    }

    #[test]
    fn labels_are_spelled_as_declared() {
        for (case, label, spelled) in [
            (LetterCase::Title, "SOUTHERN", "Southern"),
            (LetterCase::Title, "CASTRO/UPPER MARKET", "Castro/Upper Market"),
            (LetterCase::Title, "ST. MARY'S PARK", "St. Mary's Park"),
            (LetterCase::Upper, "Southern", "SOUTHERN"),
            (LetterCase::Lower, "Southern", "southern"),
        ] {
            assert_eq!(case.apply(label), spelled);
        }
    }
}
