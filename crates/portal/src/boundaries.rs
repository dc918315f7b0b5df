//! Boundaries: a small set of outlines, read completely from a portal or from a saved file, and checked before any of
//! it is used. One invalid outline rejects the set.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use lake_model::{Boundaries, Error, Kind, Result, ResultExt, parse_json};
use serde_json::{Map, Value};

use crate::file::text_input::open_text;
use crate::soda::client::SodaClient;

/// The most rows of a set: more are no reference, and are not held in memory.
const MAX_ROWS: u64 = 10_000;
/// The most bytes of a set, unpacked: as JSON in memory they are several times as many.
const MAX_SET_BYTES: u64 = 64 << 20;
/// Times that a set is read while it keeps changing.
const MAX_READS: u32 = 3;

/// Longitude and latitude, degrees.
type Position = [f64; 2];
/// A ring whose last position is its first.
type Ring = Vec<Position>;
/// An outline, and the holes in it.
type Polygon = Vec<Ring>;

/// One boundary: the area of a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Boundary {
    /// The label, as incidents carry it.
    pub label: String,
    /// Its name for people; the label where it has no other.
    pub name: String,
    /// A GeoJSON MultiPolygon: positions in degrees, outlines against the clock, holes with it (RFC 7946).
    pub geometry: String,
    /// Westernmost longitude, degrees.
    pub west: f64,
    /// Southernmost latitude, degrees.
    pub south: f64,
    /// Easternmost longitude, degrees.
    pub east: f64,
    /// Northernmost latitude, degrees.
    pub north: f64,
}

impl SodaClient {
    /// Reads a complete set, `page_size` rows at a time, in the order of labels. Rows with one label are one boundary.
    ///
    /// # Errors
    /// If the portal rejects the request or does not answer usably, has no rows, or keeps changing the set while it is
    /// read; or if a boundary is invalid, which the text names.
    pub async fn fetch_boundaries(&self, set: &Boundaries, page_size: usize) -> Result<Vec<Boundary>> {
        let mut tries_left = MAX_READS;
        loop {
            tries_left -= 1;
            match self.fetch_boundary_rows(page_size).await? {
                Ok(rows) if rows.is_empty() => {
                    return Err(Error::new(
                        Kind::Unavailable,
                        format!("dataset {} has no rows at the portal now; is that its id still?", set.dataset),
                    ));
                }
                Ok(rows) => return read_all(set, rows.into_iter().map(of_row(set))),
                Err(reason) if tries_left == 0 => {
                    return Err(Error::new(Kind::Unavailable, format!("{reason} while it was read; try again")));
                }
                Err(reason) => tracing::info!(set = set.name, reason, "reading the boundaries again"),
            }
        }
    }

    /// Returns every row, or why they are not those of one state of the dataset.
    async fn fetch_boundary_rows(
        &self,
        page_size: usize,
    ) -> Result<std::result::Result<Vec<Map<String, Value>>, String>> {
        self.watch_replicas();
        let before = self.fetch_extent().await?;
        if before.rows > MAX_ROWS {
            let text =
                format!("{} rows are too many for a set of boundaries: at most {MAX_ROWS} are read", before.rows);
            return Err(Error::invalid(text));
        }
        let limit = page_size.to_string();
        let mut rows: Vec<Map<String, Value>> = Vec::new();
        while rows.len() as u64 <= before.rows {
            let offset = rows.len().to_string();
            let page = self.fetch_rows(&[("$order", ":id"), ("$limit", &limit), ("$offset", &offset)]).await?;
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        if self.fetch_extent().await? != before || self.replicas_differ() {
            return Ok(Err("the set changed".to_owned()));
        }
        if rows.len() as u64 != before.rows {
            return Ok(Err(format!("the portal counts {} boundaries and served {}", before.rows, rows.len())));
        }
        Ok(Ok(rows))
    }
}

/// Reads a saved set: a GeoJSON FeatureCollection, or an array of rows as a portal's `/resource/ID.json` has them;
/// `.geojson` or `.json`, with or without `.gz`.
///
/// # Errors
/// If the file cannot be read, is neither, or holds no boundary; or if one is wrong, which the text names.
pub fn read_boundaries_file(set: &Boundaries, path: &Path) -> Result<Vec<Boundary>> {
    let shown = path.display();
    let input = open_text(path).map_err(|e| e.context(path.display()))?;
    let mut bytes = Vec::new();
    input
        .take(MAX_SET_BYTES + 1)
        .read_to_end(&mut bytes)
        .or_err(Kind::Invalid, || format!("{shown} cannot be read"))?;
    if bytes.len() as u64 > MAX_SET_BYTES {
        return Err(Error::invalid(format!(
            "{shown}: boundaries of more than {} MiB are not read",
            MAX_SET_BYTES >> 20
        )));
    }
    let neither = || format!("{shown}: a file of boundaries is a GeoJSON FeatureCollection or a JSON array of rows");
    let text = std::str::from_utf8(&bytes).or_err(Kind::Invalid, neither)?;
    let value = parse_json(text).or_err(Kind::Invalid, neither)?;
    let read = match value {
        Value::Array(rows) => {
            let rows: Vec<Map<String, Value>> = rows
                .into_iter()
                .map(serde_json::from_value)
                .collect::<std::result::Result<_, _>>()
                .or_err(Kind::Invalid, neither)?;
            read_all(set, rows.into_iter().map(of_row(set)))
        }
        Value::Object(mut collection) if collection.get("type").is_some_and(|of| of == "FeatureCollection") => {
            let Some(Value::Array(features)) = collection.remove("features") else {
                return Err(Error::invalid(neither()));
            };
            read_all(set, features.into_iter().map(of_feature))
        }
        _ => return Err(Error::invalid(neither())),
    };
    read.map_err(|error| error.context(shown))
}

/// The published columns and geometry of a boundary.
type Published = (Map<String, Value>, Value);

fn of_row(set: &Boundaries) -> impl Fn(Map<String, Value>) -> Published {
    |mut row| {
        let geometry = row.remove(&set.geometry).unwrap_or(Value::Null);
        (row, geometry)
    }
}

fn of_feature(mut feature: Value) -> Published {
    let columns = match feature["properties"].take() {
        Value::Object(columns) => columns,
        _ => Map::new(),
    };
    (columns, feature["geometry"].take())
}

fn read_all(set: &Boundaries, published: impl Iterator<Item = Published>) -> Result<Vec<Boundary>> {
    let mut by_label: BTreeMap<String, (String, Vec<Polygon>)> = BTreeMap::new();
    for (number, (columns, geometry)) in published.enumerate() {
        let number = number + 1;
        let label = set.label.iter().find_map(|column| text(&columns, column)).ok_or_else(|| {
            let may = set.label.join("`, `");
            let there = columns.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            Error::invalid(format!("boundary {number} has no label in `{may}`; its columns are {there}"))
        })?;
        let polygons = polygons(&geometry).map_err(|why| {
            Error::invalid(format!("boundary {number}, `{label}`: {why}; nothing of the set is used"))
        })?;
        let name = set.display_name.as_ref().and_then(|column| text(&columns, column));
        let label = set.case.map_or(label.clone(), |case| case.apply(&label));
        let entry = by_label.entry(label.clone()).or_insert_with(|| (name.unwrap_or(label), Vec::new()));
        entry.1.extend(polygons);
    }
    if by_label.is_empty() {
        return Err(Error::invalid("there is no boundary in it"));
    }
    by_label.into_iter().map(|(label, (name, polygons))| boundary(label, name, &polygons)).collect()
}

/// Returns a column as a label: text without the spaces around it, an integer without its decimal tail.
fn text(columns: &Map<String, Value>, column: &str) -> Option<String> {
    let text = match columns.get(column)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
        }
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// Returns the polygons of a geometry, or what is wrong with it.
fn polygons(geometry: &Value) -> std::result::Result<Vec<Polygon>, String> {
    let coordinates = &geometry["coordinates"];
    let polygons: Vec<&Value> = match geometry["type"].as_str() {
        Some("Polygon") => vec![coordinates],
        Some("MultiPolygon") => array(coordinates, "the coordinates of a MultiPolygon")?.iter().collect(),
        Some(other) => return Err(format!("its geometry is a {other}, where a Polygon or a MultiPolygon is needed")),
        None => return Err("it has no GeoJSON geometry".to_owned()),
    };
    let read: Vec<Polygon> = polygons.into_iter().map(polygon).collect::<std::result::Result<_, _>>()?;
    if read.is_empty() { Err("its geometry is empty".to_owned()) } else { Ok(read) }
}

fn polygon(rings: &Value) -> std::result::Result<Polygon, String> {
    let mut read: Polygon = array(rings, "a polygon")?.iter().map(ring).collect::<std::result::Result<_, _>>()?;
    if read.is_empty() {
        return Err("a polygon of it has no ring".to_owned());
    }
    for (number, ring) in read.iter_mut().enumerate() {
        // Portals publish either orientation; a ring that is read the wrong way round is the complete earth without it.
        if (doubled_area(ring) > 0.0) != (number == 0) {
            ring.reverse();
        }
    }
    Ok(read)
}

fn array<'v>(value: &'v Value, what: &str) -> std::result::Result<&'v Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("{what} is not an array"))
}

fn ring(ring: &Value) -> std::result::Result<Ring, String> {
    let mut read = Ring::new();
    for position in array(ring, "a ring")? {
        match (position[0].as_f64(), position[1].as_f64()) {
            (Some(x), Some(y)) if x.abs() <= 180.0 && y.abs() <= 90.0 => read.push([x, y]),
            _ => return Err(format!("the position {position} is not [longitude, latitude] in degrees")),
        }
    }
    if read.len() < 4 {
        return Err(format!("a ring of it has {} positions, where it takes at least four", read.len()));
    }
    if read.first() != read.last() {
        return Err(format!("a ring of it is open: it begins at {:?} and ends at {:?}", read[0], read[read.len() - 1]));
    }
    Ok(read)
}

/// Returns twice the area in square degrees, below zero for a clockwise ring. Positions are relative to the first one,
/// or rounding would distort the area of a small ring.
fn doubled_area(ring: &Ring) -> f64 {
    let [x, y] = ring[0];
    ring.windows(2).map(|edge| (edge[0][0] - x) * (edge[1][1] - y) - (edge[1][0] - x) * (edge[0][1] - y)).sum()
}

fn boundary(label: String, name: String, polygons: &[Polygon]) -> Result<Boundary> {
    let (mut west, mut south, mut east, mut north) = (180.0_f64, 90.0_f64, -180.0_f64, -90.0_f64);
    for [x, y] in polygons.iter().flatten().flatten() {
        (west, south, east, north) = (west.min(*x), south.min(*y), east.max(*x), north.max(*y));
    }
    let coordinates = serde_json::to_string(polygons).or_err(Kind::Internal, || "an outline as JSON")?;
    let geometry = format!(r#"{{"type":"MultiPolygon","coordinates":{coordinates}}}"#);
    Ok(Boundary { label, name, geometry, west, south, east, north })
}

#[cfg(test)]
mod tests {
    use lake_model::{BoundaryDimension, LetterCase};
    use serde_json::json;

    use super::*;

    fn set() -> Boundaries {
        let text = "name = \"wards\"\ntitle = \"Wards\"\nportal = \"https://example.org\"\ndataset = \"aaaa-bbbb\"\n\
                    city = \"C\"\ncadence = \"30d\"\n[boundaries]\ndimension = \"district\"\nlabel = [\"ward\", \"nr\"]\n\
                    display_name = \"title\"\ngeometry = \"geom\"\n";
        let set = Boundaries::parse("wards.toml", text).expect("boundaries");
        assert_eq!(set.dimension, BoundaryDimension::District);
        set
    }

    fn read(set: &Boundaries, rows: Value) -> Result<Vec<Boundary>> {
        let rows: Vec<Map<String, Value>> = serde_json::from_value(rows).expect("rows");
        read_all(set, rows.into_iter().map(of_row(set)))
    }

    #[test]
    fn outlines_are_multipolygons_against_the_clock_and_sorted_by_label() {
        let with_the_clock = json!([[0, 0], [0, 2], [2, 2], [2, 0], [0, 0]]);
        let hole_against_it = json!([[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 0.5]]);
        let rows = json!([
            {"nr": 7.0, "title": "Seven", "geom": {"type": "Polygon", "coordinates": [with_the_clock, hole_against_it]}},
            {"ward": " A ", "geom": {"type": "MultiPolygon", "coordinates": [[[[9, 9, 5], [10, 9, 5], [10, 10, 5], [9, 9, 5]]]]}},
        ]);
        let read = read(&set(), rows).expect("boundaries");
        assert_eq!((read[0].label.as_str(), read[0].name.as_str()), ("7", "Seven"));
        let geometry: Value = serde_json::from_str(&read[0].geometry).expect("JSON");
        let expected = json!({"type": "MultiPolygon", "coordinates": [[
            [[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]],
            [[0.5, 0.5], [1.0, 1.0], [1.0, 0.5], [0.5, 0.5]],
        ]]});
        assert_eq!(geometry, expected);
        assert_eq!((read[0].west, read[0].south, read[0].east, read[0].north), (0.0, 0.0, 2.0, 2.0));
        // A height is not a part of an outline.
        assert_eq!((read[1].label.as_str(), read[1].name.as_str()), ("A", "A"));
        assert!(!read[1].geometry.contains('5'), "{}", read[1].geometry);
    }

    #[test]
    fn rows_with_one_label_are_one_boundary() {
        let triangle = |x: i32| json!({"type": "Polygon", "coordinates": [[[x, 0], [x + 1, 0], [x, 1], [x, 0]]]});
        let rows = json!([{"ward": "SOUTH END", "geom": triangle(0)}, {"ward": "South End", "geom": triangle(5)}]);
        let set = Boundaries { case: Some(LetterCase::Title), ..set() };
        let read = read(&set, rows).expect("boundaries");
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].label.as_str(), read[0].west, read[0].east), ("South End", 0.0, 6.0));
    }

    #[test]
    fn what_is_wrong_with_a_boundary_is_said_with_its_label() {
        for (geometry, says) in [
            (json!(null), "no GeoJSON geometry"),
            (json!({"type": "Point", "coordinates": [0, 0]}), "is a Point"),
            (json!({"type": "MultiPolygon", "coordinates": []}), "empty"),
            (json!({"type": "Polygon", "coordinates": []}), "no ring"),
            (json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}), "has 3 positions"),
            (json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}), "is open"),
            (json!({"type": "Polygon", "coordinates": [[[0, 0], [181, 0], [1, 1], [0, 0]]]}), "in degrees"),
            (json!({"type": "Polygon", "coordinates": [[[0, 0], [null, 0], [1, 1], [0, 0]]]}), "in degrees"),
        ] {
            let error = read(&set(), json!([{"ward": "A", "geom": geometry}])).expect_err(says).to_string();
            assert!(error.contains("boundary 1, `A`") && error.contains(says), "{error}");
        }
        let error = read(&set(), json!([{"wart": "A"}])).expect_err("no label").to_string();
        assert!(error.contains("`ward`, `nr`") && error.contains("`wart`"), "{error}");
        assert!(read(&set(), json!([])).expect_err("none").to_string().contains("no boundary"));
    }
}
