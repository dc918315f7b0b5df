//! A draft of a resource file from rows saved as CSV: types, key, roles and bounds that follow from the values, and
//! gaps to fill in for the rest.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use lake_model::{ColumnType, DateOrder, Error, Kind, Result, ResultExt as _};

use crate::decode::points::parse_point_text;
use crate::decode::times::{TimeRules, evident_order};
use crate::file::csv_header::field_name;

/// Rows that a draft is made from.
const MAX_ROWS: usize = 10_000;
/// Bytes that a draft is made from, unpacked.
const MAX_BYTES: u64 = 256 << 20;
/// Degrees around the places of the rows that are still within the bounds.
const MARGIN_DEGREES: f64 = 0.25;

/// Words in the names of columns that fill a role, the likeliest first.
const ROLES: [(&str, &[ColumnType], &[&str]); 10] = [
    (
        "occurred_at",
        &[ColumnType::Timestamp],
        &[
            "occurred",
            "incident_date",
            "crash_date",
            "received",
            "requested",
            "opened",
            "created",
            "reported",
            "date",
            "time",
            "",
        ],
    ),
    ("closed_at", &[ColumnType::Timestamp], &["closed", "resolved", "close_d", "completed"]),
    (
        "category",
        &[ColumnType::Text],
        &["category", "primary_type", "call_type", "complaint_type", "offense", "service_name", "situation", "type"],
    ),
    ("subcategory", &[ColumnType::Text], &["subcategory", "subtype", "descriptor", "type_group", "description"]),
    ("status", &[ColumnType::Text], &["status", "disposition"]),
    ("district", &[ColumnType::Text, ColumnType::Integer], &["district", "ward", "borough", "beat"]),
    ("neighborhood", &[ColumnType::Text, ColumnType::Integer], &["neighborhood", "neighbourhood", "community_area"]),
    ("latitude", &[ColumnType::Number], &["latitude", "lat"]),
    ("longitude", &[ColumnType::Number], &["longitude", "lon", "lng"]),
    ("point", &[ColumnType::Point], &["point", "location", "geom", ""]),
];
/// Words in the names of columns that identify a row, the likeliest first.
const KEYS: [&str; 6] = ["unique_key", "id", "number", "key", "case", "no"];
/// Words in the names of columns that the publisher rewrites without the incident changing.
const VOLATILE: [&str; 4] = ["data_loaded_at", "data_as_of", "data_updated_at", "loaded"];

/// A column of the file, and the types that its values allow.
#[derive(Debug)]
struct Column {
    name: String,
    kind: ColumnType,
    is_unique: bool,
    values: Vec<String>,
}

/// Returns a draft of a resource file, as TOML that is read as it is, for the rows of a CSV file, with or without
/// `.gz`. `name` names the resource; without it the file's name does.
///
/// # Errors
/// If the file cannot be read, is not CSV, or has no column that could be the time.
pub fn draft_resource(path: &Path, name: Option<&str>) -> Result<String> {
    let shown = path.display();
    let columns = read_columns(path).map_err(|error| error.context(&shown))?;
    let name = name.map_or_else(|| resource_name(path), str::to_owned);
    let roles = choose_roles(&columns);
    if !roles.iter().any(|(role, _)| *role == "occurred_at") {
        return Err(Error::invalid(format!("{shown}: no column holds times; a resource needs the time of occurrence")));
    }
    Ok(write_draft(&name, &columns, &roles))
}

fn read_columns(path: &Path) -> Result<Vec<Column>> {
    let file = File::open(path).or_err(Kind::NotFound, || "the file cannot be opened")?;
    let is_packed = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let input: Box<dyn Read> =
        if is_packed { Box::new(MultiGzDecoder::new(BufReader::new(file))) } else { Box::new(BufReader::new(file)) };
    let mut reader = csv::Reader::from_reader(input.take(MAX_BYTES));
    let not_csv = || "the file is not CSV";
    let names: Vec<String> = reader.headers().or_err(Kind::Invalid, not_csv)?.iter().map(field_name).collect();
    let mut values = vec![Vec::new(); names.len()];
    for record in reader.records().take(MAX_ROWS) {
        let record = record.or_err(Kind::Invalid, not_csv)?;
        values.iter_mut().zip(&record).for_each(|(column, text)| column.push(text.trim().to_owned()));
    }
    let columns = names.into_iter().zip(values).filter(|(name, _)| !name.is_empty());
    Ok(columns.map(|(name, values)| Column::new(name, values)).collect())
}

impl Column {
    fn new(name: String, values: Vec<String>) -> Self {
        let mut seen = HashSet::new();
        let is_unique = values.iter().all(|value| !value.is_empty() && seen.insert(value));
        let present: Vec<&str> = values.iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
        let kind = [
            (ColumnType::Boolean, is_boolean as fn(&str) -> bool),
            (ColumnType::Integer, is_integer),
            (ColumnType::Number, is_number),
            (ColumnType::Timestamp, is_time),
            (ColumnType::Point, is_point),
        ];
        let kind = kind.into_iter().find(|(_, holds)| !present.is_empty() && present.iter().all(|value| holds(value)));
        let kind = kind.map_or(ColumnType::Text, |(kind, _)| kind);
        Self { name, kind, is_unique, values }
    }
}

fn is_boolean(text: &str) -> bool {
    ["true", "false"].iter().any(|value| text.eq_ignore_ascii_case(value))
}

/// Digits that are the same as a number: an id that begins with a zero is text.
fn is_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|number| number.to_string() == text)
}

fn is_number(text: &str) -> bool {
    let has_leading_zero = text.starts_with('0') && !text.starts_with("0.") && text != "0";
    !has_leading_zero && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_time(text: &str) -> bool {
    [DateOrder::MonthFirst, DateOrder::DayFirst]
        .iter()
        .any(|order| TimeRules::undeclared(Some(*order)).parse(text).is_some())
}

/// Returns the order of day and month in the file's dates, where they leave no doubt of it and it is not the usual one,
/// or where they are written in a way that is read only with it declared.
fn date_order(columns: &[Column]) -> Option<&'static str> {
    let times =
        || columns.iter().filter(|column| column.kind == ColumnType::Timestamp).flat_map(|column| &column.values);
    let is_evident = |order| times().any(|text| evident_order(text) == Some(order));
    match (is_evident(DateOrder::MonthFirst), is_evident(DateOrder::DayFirst)) {
        (false, true) => Some("day-first"),
        (true, false) if times().any(|text| !text.is_empty() && TimeRules::undeclared(None).parse(text).is_none()) => {
            Some("month-first")
        }
        _ => None,
    }
}

fn is_point(text: &str) -> bool {
    parse_point_text(text).is_some()
}

/// Returns a resource's name from that of a file: `City Calls.csv.gz` is `city-calls`.
fn resource_name(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let name = field_name(stem).trim_matches('_').replace('_', "-");
    if name.is_empty() { "my-resource".to_owned() } else { name }
}

/// Returns the roles that a column fills, each with its column.
fn choose_roles(columns: &[Column]) -> Vec<(&'static str, &Column)> {
    let mut chosen: Vec<(&'static str, &Column)> = Vec::new();
    for (role, kinds, words) in ROLES {
        let free = || {
            columns.iter().filter(|column| {
                kinds.contains(&column.kind) && !chosen.iter().any(|(_, taken)| taken.name == column.name)
            })
        };
        let found = words.iter().find_map(|word| free().find(|column| column.name.contains(word)));
        chosen.extend(found.map(|column| (role, column)));
    }
    // Two columns of degrees are more exact than one of text.
    let has = |role: &str| chosen.iter().any(|(known, _)| *known == role);
    if has("latitude") && has("longitude") {
        chosen.retain(|(role, _)| *role != "point");
    } else {
        chosen.retain(|(role, _)| !["latitude", "longitude"].contains(role));
    }
    chosen
}

/// Returns the column that identifies a row, if the values do not contradict.
fn choose_key(columns: &[Column]) -> Option<&Column> {
    let unique = || columns.iter().filter(|column| column.is_unique && column.kind != ColumnType::Number);
    let named = KEYS
        .iter()
        .find_map(|word| unique().find(|column| column.name == *word || column.name.ends_with(&format!("_{word}"))));
    named.or_else(|| unique().next())
}

/// Returns west, south, east and north of the rows' places, with a margin.
fn find_bounds(roles: &[(&'static str, &Column)]) -> Option<[f64; 4]> {
    let column = |role: &str| roles.iter().find(|(known, _)| *known == role).map(|(_, column)| *column);
    let degrees = |column: &Column| -> Vec<f64> { column.values.iter().filter_map(|text| text.parse().ok()).collect() };
    let (longitudes, latitudes): (Vec<f64>, Vec<f64>) = match (column("longitude"), column("latitude"), column("point"))
    {
        (Some(longitude), Some(latitude), _) => (degrees(longitude), degrees(latitude)),
        (_, _, Some(point)) => point.values.iter().filter_map(|text| parse_point_text(text)).unzip(),
        _ => return None,
    };
    let (west, east) = range(longitudes, 180.0)?;
    let (south, north) = range(latitudes, 90.0)?;
    Some([west, south, east, north])
}

/// Returns the range of nearly all values, with a margin; zero means an unknown place.
fn range(mut values: Vec<f64>, limit: f64) -> Option<(f64, f64)> {
    values.retain(|value| *value != 0.0 && value.abs() <= limit);
    values.sort_by(f64::total_cmp);
    // A hundredth at each end may be wrong.
    let skipped = values.len() / 100;
    let (first, last) = (values.get(skipped)?, values.get(values.len().checked_sub(1 + skipped)?)?);
    let outward = |value: f64| (value * 100.0).round() / 100.0;
    Some((outward((first - MARGIN_DEGREES).max(-limit)), outward((last + MARGIN_DEGREES).min(limit))))
}

fn write_draft(name: &str, columns: &[Column], roles: &[(&'static str, &Column)]) -> String {
    let mut text = String::new();
    let key = choose_key(columns);
    let volatile: Vec<String> = columns
        .iter()
        .filter(|column| VOLATILE.iter().any(|word| column.name.contains(word)))
        .filter(|column| key.is_none_or(|key| key.name != column.name))
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let _ = writeln!(text, "name = \"{name}\"");
    let _ = writeln!(text, "title = \"{}\"", name.replace('-', " "));
    text.push_str("portal = \"https://data.example.org\"     # fill in\n");
    text.push_str("dataset = \"aaaa-0000\"                   # fill in: the id in the dataset's address\n");
    text.push_str("city = \"Example\"                        # fill in\n");
    text.push_str(
        "zone = \"UTC\"                            # fill in: the zone of the wall-clock times, as America/Chicago\n",
    );
    text.push_str("cadence = \"1d\"                          # how often the publisher brings rows\n");
    if let Some(order) = date_order(columns) {
        let _ = writeln!(text, "date_order = \"{order}\"     # of dates such as 04/07/2020");
    }
    match key {
        Some(key) => {
            let _ = writeln!(
                text,
                "key = [\"{}\"]     # no value of the file is there twice; check that it stays so",
                key.name
            );
        }
        None => {
            let first = columns.first().map_or("", |column| column.name.as_str());
            let _ =
                writeln!(text, "key = [\"{first}\"]     # NOT UNIQUE in the file: name the columns that together are");
        }
    }
    if !volatile.is_empty() {
        let _ = writeln!(text, "volatile = [{}]     # rewritten without the incident changing", volatile.join(", "));
    }
    text.push_str("\n[roles]     # guessed from names and values\n");
    for (role, column) in roles {
        let _ = writeln!(text, "{role} = \"{}\"", column.name);
    }
    text.push_str("\n[bounds]     # places outside of them are wrong\n");
    let [west, south, east, north] = find_bounds(roles).unwrap_or([-180.0, -90.0, 180.0, 90.0]);
    let _ = writeln!(text, "west = {west:?}\nsouth = {south:?}\neast = {east:?}\nnorth = {north:?}");
    text.push_str("\n[columns]\n");
    for column in columns {
        let _ = writeln!(text, "{} = \"{}\"", column.name, type_name(column.kind));
    }
    text
}

fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "text",
        ColumnType::Integer => "integer",
        ColumnType::Number => "number",
        ColumnType::Boolean => "boolean",
        ColumnType::Timestamp => "timestamp",
        ColumnType::Point => "point",
    }
}

#[cfg(test)]
mod tests {
    use lake_model::Resource;

    use super::*;

    fn draft(text: &str) -> Result<String> {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("City Calls.csv");
        std::fs::write(&path, text).expect("a file");
        draft_resource(&path, None)
    }

    #[test]
    fn a_draft_is_a_resource_file_that_is_read() {
        let text = "Call Number,Call Type,Received DtTm,Close DtTm,Zip,Units,Latitude,Longitude,Data Loaded At\n\
                    007,Alarm,04/01/2021 10:00:00 AM,,94110,2,37.75,-122.41,2021-05-01T00:00:00\n\
                    008,Medical,04/02/2021 11:00:00 PM,04/03/2021 01:00:00 AM,94103,1,37.77,-122.42,2021-05-01T00:00:00\n";
        let draft = draft(text).expect("a draft");
        let resource = Resource::parse("draft.toml", &draft).expect(&draft);
        assert_eq!(resource.name, "city-calls");
        assert_eq!(resource.key, ["call_number"]);
        assert_eq!(resource.column("call_number").expect("declared").kind, ColumnType::Text);
        assert_eq!(resource.column("units").expect("declared").kind, ColumnType::Integer);
        assert!(resource.column("data_loaded_at").expect("declared").volatile);
        assert_eq!(resource.roles.occurred_at, "received_dttm");
        assert_eq!(resource.roles.closed_at.as_deref(), Some("close_dttm"));
        assert_eq!(resource.roles.category.as_deref(), Some("call_type"));
        assert_eq!(resource.roles.latitude.as_deref(), Some("latitude"));
        assert!((resource.bounds.west - -122.67).abs() < 1e-9 && (resource.bounds.north - 38.02).abs() < 1e-9);
    }

    #[test]
    fn a_draft_declares_an_order_of_dates_that_is_evident() {
        for (dates, order) in [
            (["31/12/2020", "01/02/2021"], Some(DateOrder::DayFirst)),
            (["12-31-2020", "01-02-2021"], Some(DateOrder::MonthFirst)),
            (["12/31/2020", "01/02/2021"], None),
        ] {
            let rows: String = dates.iter().enumerate().map(|(n, date)| format!("{n},{date},POINT (1 2)\n")).collect();
            let draft = draft(&format!("id,opened,place\n{rows}")).expect("a draft");
            assert_eq!(Resource::parse("draft.toml", &draft).expect(&draft).date_order, order, "{draft}");
        }
    }

    #[test]
    fn a_draft_says_that_no_column_is_unique() {
        let draft =
            draft("kind,when,where\na,2020-01-01,POINT (1.5 2.5)\na,2020-01-01,POINT (1.5 2.5)\n").expect("a draft");
        assert!(draft.contains("NOT UNIQUE") && draft.contains("point = \"where\""), "{draft}");
        Resource::parse("draft.toml", &draft).expect(&draft);
    }

    #[test]
    fn rows_without_a_time_are_no_resource() {
        let error = draft("id,kind\n1,a\n").expect_err("no time").to_string();
        assert!(error.contains("no column holds times"), "{error}");
    }
}
