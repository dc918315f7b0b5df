use std::collections::BTreeSet;

use super::{Source, all_sources, source};
use crate::{Oracle, Order, not_run, shared_data};

/// File, published rows, rows without a usable place.
const PUBLISHED: &[(&str, i64, i64)] = &[
    ("sf_311/vw6y-z8j6_soda_rows_2021-07.json", 1771, 29),
    ("sf_311/sf311_export_north_beach_raw.csv", 4209, 0),
    ("sf_311/sf311_sample_10000_2008-2016.csv", 10_000, 24),
    ("sfpd/wg3w-h783_soda_1000rows_2019-11-14.json", 1000, 51),
    ("sfpd/sfpd_export_2018-12.csv", 11_884, 608),
    ("sf_fire_calls/fire_calls_export_2020-04.csv", 10_410, 0),
    ("sf_fire_calls/nuek-vuh3_soda_one_row_2017-10.json", 1, 0),
    ("sf_fire_incidents/fire_incidents_sample_20250504.csv", 999, 0),
    ("sf_traffic_crashes/dau3-4s8f_export_20250411.csv", 331, 0),
    ("sf_traffic_crashes/dau3-4s8f_export_20260319.csv", 351, 0),
    ("sf_traffic_crashes/dau3-4s8f_2026-08-22T153815Z.json", 366, 0),
    ("chicago_crimes/homicides_export_2001-2018.csv", 9265, 3 + 53),
    ("chicago_crimes/ijzp-q8t2_export_2012-11.csv", 4999, 25),
    ("chicago_crimes/6zsd-86xi_soda_rows_2014.json", 45, 1),
];

fn sources(test: &str) -> Vec<Source> {
    if shared_data().is_none() {
        not_run(test, "the shared data", "set HOTSPOTS_SHARED_DATA to its folder");
    }
    all_sources()
}

#[test]
fn every_file_loads_with_its_rows_and_its_known_places() {
    for source in sources("every_file_loads_with_its_rows_and_its_known_places") {
        let &(name, rows, unlocated) = PUBLISHED
            .iter()
            .find(|(name, ..)| *name == source.name)
            .unwrap_or_else(|| panic!("{} is not written down", source.name));
        let totals = Oracle::of(&source.roles, &source.rows, &Order::AsGiven).totals();
        assert_eq!(totals.rows, rows, "{name}: rows");
        assert_eq!(totals.incidents, rows, "{name}: every key is there once");
        assert_eq!(totals.unlocated, unlocated, "{name}: unlocated");
        assert_eq!(totals.located + totals.unlocated, rows, "{name}: placed or not");
        assert_eq!((totals.rejects, totals.undated), (0, 0), "{name}: rejects, undated");
    }
}

#[test]
fn every_key_of_every_row_is_a_declared_column_and_no_value_is_null_or_empty() {
    for source in sources("every_key_of_every_row_is_a_declared_column") {
        let names: BTreeSet<&str> = source.columns.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), source.columns.len(), "{}: a column is declared twice", source.name);
        for (field, value) in source.rows.iter().flatten() {
            assert!(names.contains(field.as_str()), "{}: {field}", source.name);
            assert!(!value.is_null(), "{}: {field} is null", source.name);
            assert_ne!(value, "", "{}: {field} is empty", source.name);
        }
        for role in [&source.roles.key, &source.roles.time, &source.roles.category] {
            assert!(names.contains(role.as_str()), "{}: {role}", source.name);
        }
    }
}

#[test]
fn values_have_the_json_shape_of_their_type() {
    for source in sources("values_have_the_json_shape_of_their_type") {
        for (field, kind) in &source.columns {
            for value in source.rows.iter().filter_map(|row| row.get(field)) {
                let fits = match kind.as_str() {
                    "checkbox" => value.is_boolean(),
                    "point" => value["coordinates"][0].is_f64() && value["type"] == "Point",
                    "location" => value["latitude"].is_string(),
                    "url" => value["url"].is_string(),
                    "calendar_date" => value.as_str().is_some_and(|text| text.len() == "2020-01-01T00:00:00.000".len()),
                    _ => value.is_string(),
                };
                assert!(fits, "{}: {field}: {value} is not a valid {kind}", source.name);
            }
        }
    }
}

#[test]
fn the_oldest_311_export_is_placed_by_its_point_and_has_no_row_numbers() {
    let Some(source) = source("sf311_sample_10000") else {
        return;
    };
    assert!(source.columns.iter().all(|(name, _)| !name.is_empty()));
    let row = source.rows.iter().find(|row| row.contains_key("point")).expect("most have a point");
    assert_eq!(row["lat"], row["point"]["latitude"]);
    assert_eq!(row["long"], row["point"]["longitude"]);
}
