use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};

use super::*;

fn city() -> Portal {
    san_francisco(20_000, 7)
}

/// Returns longitude and latitude of a row, if it has them.
fn point(row: &Map<String, Value>) -> Option<(f64, f64)> {
    let point = ["point_geom", "case_location", "point"].into_iter().find_map(|name| row.get(name))?;
    let coordinates = point.get("coordinates")?;
    Some((coordinates.get(0)?.as_f64()?, coordinates.get(1)?.as_f64()?))
}

#[test]
fn the_same_seed_gives_the_same_city_and_another_seed_another() {
    let (one, same, other) = (san_francisco(500, 1), san_francisco(500, 1), san_francisco(500, 2));
    for dataset in DATASETS {
        assert_eq!(one.rows(dataset.id), same.rows(dataset.id));
        assert_ne!(one.rows(dataset.id), other.rows(dataset.id));
    }
}

#[test]
fn the_rows_are_split_as_declared() {
    let city = city();
    let counts: Vec<usize> = DATASETS.iter().map(|dataset| city.row_count(dataset.id)).collect();
    assert_eq!(counts, [9_000, 5_000, 1_600, 3_800, 600]);
}

#[test]
fn every_row_keeps_to_the_published_columns_in_their_order() {
    let city = city();
    for dataset in DATASETS {
        let columns: Vec<String> = city.columns(dataset.id).into_iter().map(|column| column.name).collect();
        for row in city.rows(dataset.id) {
            let published: Vec<&String> = row.keys().skip(4).collect();
            let in_order: Vec<&String> = columns.iter().filter(|column| row.contains_key(*column)).collect();
            assert_eq!(published, in_order, "{}", dataset.id);
        }
    }
}

#[test]
fn keys_are_unique() {
    let city = city();
    let keys = [
        ("vw6y-z8j6", "service_request_id"),
        ("nuek-vuh3", "rowid"),
        ("wr8u-xric", "id"),
        ("wg3w-h783", "row_id"),
        ("ubvf-ztfx", "unique_id"),
    ];
    for (dataset, key) in keys {
        let values: HashSet<String> = city.rows(dataset).iter().map(|row| row[key].to_string()).collect();
        assert_eq!(values.len(), city.row_count(dataset), "{dataset}.{key}");
    }
}

#[test]
fn points_lie_in_the_city_and_a_few_rows_have_none() {
    let city = city();
    for dataset in DATASETS {
        let rows = city.rows(dataset.id);
        let points: Vec<(f64, f64)> = rows.iter().filter_map(point).collect();
        for (lon, lat) in &points {
            assert!((-122.52..=-122.36).contains(lon) && (37.70..=37.83).contains(lat), "{lon} {lat}");
        }
        let unlocated = rows.len() - points.len();
        assert!(unlocated > 0 && unlocated * 10 < rows.len(), "{}: {unlocated}", dataset.id);
    }
}

#[test]
fn datasets_that_are_replaced_share_one_stamp_and_the_others_follow_time() {
    let city = city();
    for dataset in DATASETS {
        let rows = city.rows(dataset.id);
        let stamps: HashSet<String> = rows.iter().map(|row| row[":updated_at"].to_string()).collect();
        if dataset.full_replace {
            assert_eq!(stamps.len(), 1);
        } else {
            assert!(stamps.len() > 1_000, "{}: {}", dataset.id, stamps.len());
        }
    }
}

#[test]
fn nights_are_quieter_than_days() {
    let mut hours: BTreeMap<String, usize> = BTreeMap::new();
    for row in city().rows("vw6y-z8j6") {
        if let Some(time) = row.get("requested_datetime").and_then(Value::as_str) {
            *hours.entry(time[11..13].to_owned()).or_default() += 1;
        }
    }
    assert!(hours["10"] > 4 * hours["03"]);
}

#[test]
fn every_row_says_that_it_is_synthetic() {
    let city = city();
    for dataset in DATASETS {
        for row in city.rows(dataset.id) {
            let text = Value::Object(row).to_string();
            assert!(text.to_lowercase().contains("synthetic"), "{text}");
        }
    }
}
