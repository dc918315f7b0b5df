//! A resource: one published dataset and how to read it, as declared in its TOML file in `data/resources/`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::VariantNames;
use toml::Spanned;

use crate::{Definition, Error, Origin, Result, listed, nearest, parse_duration, parse_portal_url, parse_wall_clock};

/// The type a column is declared with, and so stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ColumnType {
    /// Text, as published.
    Text,
    /// An integer; a decimal tail of zeros is tolerated.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// Wall-clock time without a zone.
    Timestamp,
    /// A place: GeoJSON, or a legacy location object. Stored as a struct of longitude and latitude.
    Point,
}

/// A declared column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name at the portal and in `raw`.
    pub name: String,
    /// Its type.
    pub kind: ColumnType,
    /// Names it had or may have at the portal.
    pub aliases: Vec<String>,
    /// Its titles in CSV exports, where the portal's rule does not make its name or an alias of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub titles: Vec<String>,
    /// Rewritten by the publisher without the incident changing: no part of the content.
    pub volatile: bool,
}

impl Column {
    /// Returns the column's name, then its aliases: of several in one row the first that has a value counts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// The order of day and month in dates of digits that end with the year, such as `04/07/2020`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    /// `04/07/2020` is the 7th of April.
    MonthFirst,
    /// `04/07/2020` is the 4th of July.
    DayFirst,
}

/// The columns for place, time and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// The time of occurrence.
    pub occurred_at: String,
    /// The time it was closed.
    pub closed_at: Option<String>,
    /// The kind of incident.
    pub category: Option<String>,
    /// The finer kind.
    pub subcategory: Option<String>,
    /// Open, closed, ...
    pub status: Option<String>,
    /// The district, as the publisher divides the city.
    pub district: Option<String>,
    /// The neighborhood.
    pub neighborhood: Option<String>,
    /// The latitude, with `longitude`, in degrees.
    pub latitude: Option<String>,
    /// The longitude, with `latitude`, in degrees.
    pub longitude: Option<String>,
    /// Or one column with the point.
    pub point: Option<String>,
}

/// The plausible values: outside them an incident is unlocated or undated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Westernmost longitude, degrees.
    pub west: f64,
    /// Southernmost latitude, degrees.
    pub south: f64,
    /// Easternmost longitude, degrees.
    pub east: f64,
    /// Northernmost latitude, degrees.
    pub north: f64,
    /// First plausible instant, wall-clock microseconds.
    pub earliest: i64,
    /// First instant no longer plausible, wall-clock microseconds.
    pub latest: i64,
}

/// How often a publisher brings new rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cadence {
    /// Seconds between two looks.
    pub seconds: u64,
}

impl Cadence {
    /// Returns the time between two runs.
    pub fn interval(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn parse(text: &str) -> Option<Self> {
        let seconds = parse_duration(text)?.as_secs();
        (seconds > 0).then_some(Self { seconds })
    }
}

/// One published dataset and how to read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// Its name in the lake: lower case, digits and hyphens.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The portal's base URL.
    pub portal: String,
    /// The dataset's id at the portal.
    pub dataset: String,
    /// The licence under which it is published, if the file declares it.
    pub licence: Option<String>,
    /// The city.
    pub city: String,
    /// The IANA zone of its wall-clock times.
    pub zone: String,
    /// How often to look.
    pub cadence: Cadence,
    /// The order of day and month in dates of digits, where it is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_order: Option<DateOrder>,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// The columns for place, time and kind.
    pub roles: Roles,
    /// The plausible values.
    pub bounds: Bounds,
    /// The columns, in the order of the file.
    pub columns: Vec<Column>,
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
    licence: Option<String>,
    city: String,
    zone: Spanned<String>,
    cadence: Spanned<String>,
    #[serde(default)]
    date_order: Option<DateOrder>,
    key: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    volatile: Vec<Spanned<String>>,
    roles: RolesFile,
    bounds: BoundsFile,
    columns: Spanned<toml::Table>,
    #[serde(default)]
    titles: BTreeMap<Spanned<String>, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RolesFile {
    occurred_at: Spanned<String>,
    closed_at: Option<Spanned<String>>,
    category: Option<Spanned<String>>,
    subcategory: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    district: Option<Spanned<String>>,
    neighborhood: Option<Spanned<String>>,
    latitude: Option<Spanned<String>>,
    longitude: Option<Spanned<String>>,
    point: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BoundsFile {
    west: Spanned<f64>,
    south: f64,
    east: f64,
    north: f64,
    #[serde(default)]
    earliest: Option<Spanned<String>>,
    #[serde(default)]
    latest: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFile {
    #[serde(rename = "type")]
    kind: ColumnType,
    #[serde(default)]
    aliases: Vec<String>,
}

/// A place in a resource file, for errors.
pub(crate) struct SourceFile<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
}

impl SourceFile<'_> {
    pub(crate) fn error(&self, span: Range<usize>, key: &str, what: impl std::fmt::Display) -> Error {
        let before = self.text.get(..span.start).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        Error::invalid(format!("{}:{line}: `{key}`: {what}", self.file))
    }
}

impl Resource {
    /// Parses a resource file; `file` names it in errors.
    ///
    /// # Errors
    /// An invalid file gets an error with the line, the key and the accepted values.
    pub fn parse(file: &str, text: &str) -> Result<Self> {
        let source = SourceFile { file, text };
        let parsed: File = toml::from_str(text).map_err(|e| syntax_error(&source, &e))?;
        let volatile: Vec<&str> = parsed.volatile.iter().map(|v| v.get_ref().as_str()).collect();
        let mut columns = parse_columns(&source, &parsed.columns, &volatile)?;
        add_titles(&source, &mut columns, &parsed.titles)?;
        for name in &parsed.volatile {
            check_declared(&source, &columns, "volatile", name, None)?;
        }
        check_name(&source, &parsed.name)?;
        check_source(&source, &parsed.portal, &parsed.dataset)?;
        check_zone(&source, &parsed.zone)?;
        let cadence = parse_cadence(&source, &parsed.cadence)?;
        if parsed.key.get_ref().is_empty() {
            return Err(source.error(parsed.key.span(), "key", "name at least one column"));
        }
        for name in parsed.key.get_ref() {
            check_declared(&source, &columns, "key", name, None)?;
            if volatile.contains(&name.get_ref().as_str()) {
                return Err(source.error(name.span(), "key", "a volatile column cannot identify a row"));
            }
        }
        Ok(Self {
            roles: parse_roles(&source, &columns, &parsed.roles)?,
            bounds: parse_bounds(&source, &parsed.bounds)?,
            name: parsed.name.into_inner(),
            title: parsed.title,
            portal: parsed.portal.into_inner().trim_end_matches('/').to_owned(),
            dataset: parsed.dataset.into_inner(),
            licence: parsed.licence,
            city: parsed.city,
            zone: parsed.zone.into_inner(),
            cadence,
            date_order: parsed.date_order,
            key: parsed.key.into_inner().into_iter().map(Spanned::into_inner).collect(),
            columns,
            definition: Definition { toml: text.to_owned(), origin: Origin::File },
        })
    }

    /// Returns the column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Returns the resource's table under `raw`, in SQL: `311_cases` for `311-cases`.
    pub fn raw_table(&self) -> String {
        self.name.replace('-', "_")
    }
}

pub(crate) fn syntax_error(source: &SourceFile<'_>, error: &toml::de::Error) -> Error {
    let span = error.span().unwrap_or(0..0);
    let key = source
        .text
        .get(span.start..)
        .and_then(|rest| rest.lines().next())
        .and_then(|line| line.split(['=', ' ', ']']).next())
        .unwrap_or("")
        .trim_matches(['[', '"', ' '])
        .to_owned();
    source.error(span, &key, error.message())
}

pub(crate) fn check_name(source: &SourceFile<'_>, name: &Spanned<String>) -> Result<()> {
    let text = name.get_ref();
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if text.is_empty() || !plain || text.starts_with('-') || text.ends_with('-') {
        return Err(source.error(name.span(), "name", "a name is lower-case letters, digits and hyphens between them"));
    }
    Ok(())
}

pub(crate) fn check_source(source: &SourceFile<'_>, portal: &Spanned<String>, dataset: &Spanned<String>) -> Result<()> {
    parse_portal_url(portal.get_ref()).map_err(|what| source.error(portal.span(), "portal", what))?;
    if !is_dataset_id(dataset.get_ref()) {
        let what = "a dataset id is four and four letters and digits, such as \"vw6y-z8j6\": the last part of the dataset's \
                    address at its portal";
        return Err(source.error(dataset.span(), "dataset", what));
    }
    Ok(())
}

/// Returns whether a text is a dataset id of a portal: `xxxx-xxxx`.
fn is_dataset_id(text: &str) -> bool {
    let is_half =
        |half: &str| half.len() == 4 && half.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.split_once('-').is_some_and(|(one, other)| is_half(one) && is_half(other))
}

/// Checks that a time zone is valid.
fn check_zone(source: &SourceFile<'_>, zone: &Spanned<String>) -> Result<()> {
    let given = zone.get_ref();
    let names = || chrono_tz::TZ_VARIANTS.iter().map(|known| known.name());
    if names().any(|name| name == given) {
        return Ok(());
    }
    let what = "a zone is an IANA name such as \"America/Los_Angeles\"";
    let what = match nearest(given, names()) {
        Some(near) => format!("there is no zone `{given}`; did you mean `{near}`? {what}"),
        None => format!("there is no zone `{given}`; {what}"),
    };
    Err(source.error(zone.span(), "zone", what))
}

pub(crate) fn parse_cadence(source: &SourceFile<'_>, text: &Spanned<String>) -> Result<Cadence> {
    Cadence::parse(text.get_ref())
        .ok_or_else(|| source.error(text.span(), "cadence", "a cadence is a number and s, m, h or d, such as \"1h\""))
}

fn parse_columns(source: &SourceFile<'_>, table: &Spanned<toml::Table>, volatile: &[&str]) -> Result<Vec<Column>> {
    let mut columns: Vec<Column> = Vec::new();
    for (name, value) in table.get_ref() {
        let at = || {
            let needle = format!("{name} ");
            let start = source.text.get(table.span().start..).and_then(|t| t.find(&needle)).unwrap_or(0);
            table.span().start + start..table.span().end
        };
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !plain || name.starts_with('_') {
            let what = "a column is lower-case letters, digits and `_`, and does not begin with `_`";
            return Err(source.error(at(), name, what));
        }
        let file = match value {
            toml::Value::String(_) => value.clone().try_into().map(|kind| ColumnFile { kind, aliases: Vec::new() }),
            other => other.clone().try_into(),
        };
        let file = file.map_err(|e| {
            let what = format!(
                "{}; a column is one of {}, or {{ type = ..., aliases = [...] }}",
                e.message(),
                listed(ColumnType::VARIANTS.iter().copied())
            );
            source.error(at(), name, what)
        })?;
        columns.push(Column {
            name: name.clone(),
            kind: file.kind,
            aliases: file.aliases,
            titles: Vec::new(),
            volatile: volatile.contains(&name.as_str()),
        });
    }
    let mut seen = BTreeMap::new();
    for column in &columns {
        for name in column.names() {
            if let Some(other) = seen.insert(name.to_owned(), column.name.clone()) {
                let what = format!("`{name}` is declared twice, for `{other}` and `{}`", column.name);
                return Err(source.error(table.span(), "columns", what));
            }
        }
    }
    Ok(columns)
}

/// Gives columns the titles that they have in exports. A title of a column that is not declared is ignored.
fn add_titles(
    source: &SourceFile<'_>,
    columns: &mut [Column],
    titles: &BTreeMap<Spanned<String>, Spanned<String>>,
) -> Result<()> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (title, name) in titles {
        if let Some(other) = seen.insert(title.get_ref().trim().to_lowercase(), name.get_ref()) {
            let what = format!("the title is declared twice, for `{other}` and `{}`", name.get_ref());
            return Err(source.error(title.span(), title.get_ref(), what));
        }
        if let Some(column) = columns.iter_mut().find(|column| column.names().any(|other| other == name.get_ref())) {
            column.titles.push(title.get_ref().clone());
        }
    }
    Ok(())
}

fn check_declared(
    source: &SourceFile<'_>,
    columns: &[Column],
    role: &str,
    name: &Spanned<String>,
    kinds: Option<&[ColumnType]>,
) -> Result<()> {
    let given = name.get_ref();
    let Some(column) = columns.iter().find(|c| &c.name == given) else {
        let names = || columns.iter().map(|c| c.name.as_str());
        let hint = match nearest(given, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the columns are {}", listed(names())),
        };
        return Err(source.error(name.span(), role, format!("there is no column `{given}`; {hint}")));
    };
    if let Some(kinds) = kinds
        && !kinds.contains(&column.kind)
    {
        let may: Vec<String> = kinds.iter().map(|k| format!("{k:?}").to_lowercase()).collect();
        let what = format!(
            "`{given}` is declared {:?}; this role takes {}",
            column.kind,
            listed(may.iter().map(String::as_str))
        );
        return Err(source.error(name.span(), role, what.to_lowercase()));
    }
    Ok(())
}

fn parse_roles(source: &SourceFile<'_>, columns: &[Column], file: &RolesFile) -> Result<Roles> {
    use ColumnType::{Boolean, Integer, Number, Point, Text, Timestamp};
    const LABEL: &[ColumnType] = &[Text, Integer, Number, Boolean];
    let take = |role: &str, name: &Option<Spanned<String>>, kinds: &[ColumnType]| -> Result<Option<String>> {
        match name {
            None => Ok(None),
            Some(name) => {
                check_declared(source, columns, role, name, Some(kinds))?;
                Ok(Some(name.get_ref().clone()))
            }
        }
    };
    check_declared(source, columns, "occurred_at", &file.occurred_at, Some(&[Timestamp]))?;
    let roles = Roles {
        occurred_at: file.occurred_at.get_ref().clone(),
        closed_at: take("closed_at", &file.closed_at, &[Timestamp])?,
        category: take("category", &file.category, LABEL)?,
        subcategory: take("subcategory", &file.subcategory, LABEL)?,
        status: take("status", &file.status, LABEL)?,
        district: take("district", &file.district, LABEL)?,
        neighborhood: take("neighborhood", &file.neighborhood, LABEL)?,
        latitude: take("latitude", &file.latitude, &[Number])?,
        longitude: take("longitude", &file.longitude, &[Number])?,
        point: take("point", &file.point, &[Point])?,
    };
    match (&roles.latitude, &roles.longitude, &roles.point) {
        (Some(_), Some(_), None) | (None, None, Some(_)) => Ok(roles),
        _ => {
            let what = "the place is either `latitude` and `longitude`, or `point`";
            Err(source.error(file.occurred_at.span(), "roles", what))
        }
    }
}

fn parse_bounds(source: &SourceFile<'_>, file: &BoundsFile) -> Result<Bounds> {
    let (west, south, east, north) = (*file.west.get_ref(), file.south, file.east, file.north);
    let on_earth = west >= -180.0 && east <= 180.0 && south >= -90.0 && north <= 90.0;
    if !(on_earth && west < east && south < north) {
        let what = "bounds are degrees with west < east and south < north";
        return Err(source.error(file.west.span(), "bounds", what));
    }
    let instant = |key: &str, text: &Option<Spanned<String>>, default: &str| match text {
        None => {
            parse_wall_clock(default).ok_or_else(|| Error::internal(format!("the default {key} is not a valid time")))
        }
        Some(text) => parse_wall_clock(text.get_ref())
            .ok_or_else(|| source.error(text.span(), key, "a time is such as \"1900-01-01\"")),
    };
    let earliest = instant("earliest", &file.earliest, "1900-01-01")?;
    let latest = instant("latest", &file.latest, "2100-01-01")?;
    if earliest >= latest {
        return Err(source.error(file.west.span(), "bounds", "`earliest` must be before `latest`"));
    }
    Ok(Bounds { west, south, east, north, earliest, latest })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "city-calls"
title = "Calls"
portal = "https://data.example.org"
dataset = "aaaa-bbbb"
city = "Example"
zone = "UTC"
cadence = "1h"
key = ["id"]
volatile = ["loaded_at"]

[roles]
occurred_at = "seen_at"
category = "kind"
latitude = "lat"
longitude = "lon"

[bounds]
west = -1.0
south = -1.0
east = 1.0
north = 1.0

[columns]
id = "text"
seen_at = "timestamp"
kind = { type = "text", aliases = ["type"] }
lat = "number"
lon = "number"
loaded_at = "timestamp"
"#;

    #[test]
    fn a_good_file_is_read() {
        let resource = Resource::parse("good.toml", GOOD).expect("a resource");
        assert_eq!(resource.cadence.interval(), Duration::from_secs(3600));
        assert_eq!(resource.raw_table(), "city_calls");
        assert!(resource.column("loaded_at").expect("declared").volatile);
    }

    #[test]
    fn a_wrong_file_gets_the_line_the_key_and_what_it_may_be() {
        for (from, to, line, says) in [
            ("category = \"kind\"", "category = \"knd\"", 14, "did you mean `kind`?"),
            ("category = \"kind\"", "category = \"seen_at\"", 14, "takes `text`"),
            ("lat = \"number\"", "lat = \"nmber\"", 28, "`number`"),
            ("cadence = \"1h\"", "cadence = \"hourly\"", 8, "a number and s, m, h or d"),
            ("zone = \"UTC\"", "zome = \"UTC\"", 7, "expected one of"),
            ("zone = \"UTC\"", "zone = \"America/Los_Angelas\"", 7, "did you mean `America/Los_Angeles`?"),
            ("zone = \"UTC\"", "zone = \"Mars/Olympus Mons\"", 7, "an IANA name"),
            ("\"aaaa-bbbb\"", "\"aaaa-bbb\"", 5, "such as \"vw6y-z8j6\""),
            ("\"aaaa-bbbb\"", "\"../../views\"", 5, "such as \"vw6y-z8j6\""),
            ("https://data", "https://user:word@data", 4, "without a user name or password"),
            ("https://data.example.org", "data.example.org", 4, "an address such as"),
            ("west = -1.0", "west = 7.0", 19, "west < east"),
            ("key = [\"id\"]", "key = []", 9, "at least one"),
            ("longitude = \"lon\"", "", 13, "either `latitude` and `longitude`, or `point`"),
        ] {
            let text = GOOD.replacen(from, to, 1);
            assert_ne!(text, GOOD);
            let error = Resource::parse("wrong.toml", &text).expect_err(to).to_string();
            assert!(error.starts_with(&format!("wrong.toml:{line}:")), "{to}: {error}");
            assert!(error.contains(says), "{to}: {error}");
        }
    }

    #[test]
    fn titles_and_the_order_of_dates_are_declared() {
        let text = GOOD.replace("key = [\"id\"]", "key = [\"id\"]\ndate_order = \"day-first\"")
            + "\n[titles]\n\"Kind of Call\" = \"kind\"\n";
        let resource = Resource::parse("good.toml", &text).expect("a resource");
        assert_eq!(resource.date_order, Some(DateOrder::DayFirst));
        assert_eq!(resource.column("kind").expect("declared").titles, ["Kind of Call"]);
        let good = Resource::parse("good.toml", GOOD).expect("a resource");
        assert_eq!(good.date_order, None);
        assert_eq!(resource.fingerprint(), good.fingerprint(), "what landed is counted as before");
        for (from, to, says) in [
            ("\"day-first\"", "\"European\"", "`day-first`"),
            ("[titles]", "[titles]\n\"kind of call\" = \"lat\"", "declared twice"),
        ] {
            let error = Resource::parse("wrong.toml", &text.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
