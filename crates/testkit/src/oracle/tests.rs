use serde_json::{Value, json};

use super::{Dimension, Filter, Oracle, Order, Totals, finest_cell};
use crate::{Place, Roles, Row, SAN_FRANCISCO};

fn roles() -> Roles {
    Roles::new("id", "at", Place::lat_lng("lat", "lng"), "kind", Some(SAN_FRANCISCO))
}

fn row(value: Value) -> Row {
    value.as_object().cloned().expect("a row is an object")
}

fn oracle(rows: &[Value]) -> Oracle {
    let rows: Vec<Row> = rows.iter().cloned().map(row).collect();
    Oracle::of(&roles(), &rows, &Order::AsGiven)
}

#[test]
fn a_coarser_cell_is_the_parent_of_the_finest_and_not_the_cell_of_the_point() {
    let mut differ = 0;
    for step in 0..4000_u32 {
        let (lat, lng) = (37.70 + 0.1 / 4000.0 * f64::from(step), -122.45);
        let oracle = oracle(&[json!({"id": "1", "lat": lat.to_string(), "lng": lng.to_string()})]);
        let incident = &oracle.incidents()["1"];
        let direct = h3o::LatLng::new(lat, lng).unwrap().to_cell(h3o::Resolution::Seven);
        let parent = finest_cell(lat, lng).parent(h3o::Resolution::Seven).unwrap();
        assert_eq!(incident.cell(7), Some(parent.to_string()));
        differ += u32::from(parent != direct);
    }
    assert!(differ > 0, "somewhere on this line the two rules must differ");
}

#[test]
fn a_later_row_replaces_the_earlier_ones_of_its_key() {
    let rows = [
        json!({"id": "1", "kind": "a", "at": "2020-01-01", "v": "2"}),
        json!({"id": "2", "kind": "a", "at": "2020-01-01", "v": "1"}),
        json!({"id": "1", "kind": "b", "at": "2020-02-01", "v": "1"}),
    ];
    let label = |month: &str, kind: &str| (Some(month.to_owned()), Some(kind.to_owned()));
    let given = oracle(&rows).by_month_category();
    assert_eq!(given, [(label("2020-01", "a"), 1), (label("2020-02", "b"), 1)].into());

    let rows: Vec<Row> = rows.into_iter().map(row).collect();
    let by_column = Oracle::of(&roles(), &rows, &Order::By("v".to_owned())).by_month_category();
    assert_eq!(by_column, [(label("2020-01", "a"), 2)].into());
}

#[test]
fn a_row_without_a_usable_key_is_a_reject() {
    let oracle = oracle(&[json!({}), json!({"id": ""}), json!({"id": null}), json!({"id": 7})]);
    let expected = Totals { rows: 4, rejects: 3, incidents: 1, located: 0, unlocated: 1, undated: 1 };
    assert_eq!(oracle.totals(), expected);
}

#[test]
fn a_place_that_is_absent_no_number_zero_or_out_of_bounds_is_no_place() {
    let places = [
        json!({"id": "1"}),
        json!({"id": "2", "lat": "37.7"}),
        json!({"id": "3", "lat": "north", "lng": "-122.4"}),
        json!({"id": "4", "lat": "NaN", "lng": "-122.4"}),
        json!({"id": "5", "lat": "0.000000000000", "lng": "0.000000000000"}),
        json!({"id": "6", "lat": "36.6", "lng": "-91.6"}),
        json!({"id": "7", "lat": "37.7", "lng": "-122.4"}),
        json!({"id": "8", "lat": 37.7, "lng": -122.4}),
    ];
    let totals = oracle(&places).totals();
    assert_eq!((totals.located, totals.unlocated), (2, 6));
}

#[test]
fn a_point_is_read_from_the_first_of_its_names_in_both_shapes() {
    let roles = Roles::new("id", "at", Place::point(&["place", "old"]), "kind", None);
    let rows = [
        row(json!({"id": "1", "place": {"type": "Point", "coordinates": [-122.4, 37.7]}})),
        row(json!({"id": "2", "old": {"type": "Point", "coordinates": [-122.4, 37.7]}})),
        row(json!({"id": "3", "place": {"latitude": "37.7", "longitude": "-122.4"}})),
        row(json!({"id": "4", "place": {"human_address": "{}"}})),
    ];
    let oracle = Oracle::of(&roles, &rows, &Order::AsGiven);
    let places: Vec<_> = oracle.incidents().values().map(|incident| incident.place).collect();
    let there = Some((37.7, -122.4));
    assert_eq!(places, [there, there, there, None]);
}

#[test]
fn windows_tile_and_leave_out_the_undated() {
    let oracle = oracle(&[
        json!({"id": "1", "at": "2020-01-31T23:59:59.999"}),
        json!({"id": "2", "at": "2020-02-01T00:00:00.000"}),
        json!({"id": "3", "at": "soon"}),
    ]);
    let total = |start: &str, end: &str| oracle.total(&Filter::all().window(start, end));
    assert_eq!(total("2020-01-01", "2020-02-01"), 1);
    assert_eq!(total("2020-02-01", "2020-02-01T00:00:01"), 1);
    assert_eq!(total("1900-01-01", "2100-01-01"), 2);
    assert_eq!(oracle.total(&Filter::all()), 3);
}

#[test]
fn every_dimension_labels_an_incident() {
    let oracle = oracle(&[json!({
        "id": "1", "at": "2024-12-29T17:48:30.000", "kind": "Fire", "lat": "37.7", "lng": "-122.4",
        "district": "Mission",
    })]);
    let group = [
        (Dimension::Year, "2024"),
        (Dimension::Month, "2024-12"),
        (Dimension::Week, "2024-12-23"),
        (Dimension::Day, "2024-12-29"),
        (Dimension::Hour, "2024-12-29T17:00:00"),
        (Dimension::Seconds(900), "2024-12-29T17:45:00"),
        (Dimension::HourOfDay, "17"),
        (Dimension::Weekday, "7"),
        (Dimension::Category, "Fire"),
        (Dimension::Column("district".to_owned()), "Mission"),
    ];
    for (dimension, label) in group {
        let counts = oracle.count(&Filter::all(), std::slice::from_ref(&dimension));
        assert_eq!(counts, [(vec![Some(label.to_owned())], 1)].into(), "{dimension:?}");
    }
}

#[test]
fn a_filter_takes_any_of_its_categories_and_only_what_is_in_its_box() {
    let oracle = oracle(&[
        json!({"id": "1", "kind": "a", "lat": "37.7", "lng": "-122.4"}),
        json!({"id": "2", "kind": "b", "lat": "37.8", "lng": "-122.4"}),
        json!({"id": "3", "kind": "", "lat": "37.9", "lng": "-122.4"}),
        json!({"id": "4", "kind": "a"}),
    ]);
    assert_eq!(oracle.total(&Filter::all().category("a")), 2);
    assert_eq!(oracle.total(&Filter::all().category("a").category("b")), 3);
    assert_eq!(oracle.total(&Filter::all().bbox([-122.5, 37.7, -122.4, 37.8])), 2);
    assert_eq!(oracle.total(&Filter::all().category("b").bbox([-122.5, 37.75, -122.3, 37.85])), 1);
    assert_eq!(oracle.total(&Filter::all().column("kind", "b")), 1);
}
