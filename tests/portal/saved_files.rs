//! Files saved from a portal: exports of every style, saved again by a spreadsheet, cut off, joined, in another
//! encoding. An unambiguous file lands right; the rest is rejected with its file, place and remedy, and lands nothing.

use lake_soda_sim::{Column, SodaType};
use serde_json::{Value, json};

use crate::harness::{Bench, CASES, CASES_RESOURCE};
use crate::portal::files::Files;

const CALLS: &str = r#"
name = "calls"
title = "Calls"
portal = "https://data.example.org"
dataset = "aaaa-bbbb"
city = "Example"
zone = "America/Los_Angeles"
cadence = "1h"
key = ["id"]

[roles]
occurred_at = "opened"
category = "kind_of_call_"
neighborhood = "neighborhood"
point = "place"

[bounds]
west = -123.0
south = 37.0
east = -122.0
north = 38.0

[columns]
id = "text"
opened = "timestamp"
kind_of_call_ = "text"
neighborhood = { type = "text", aliases = ["area"] }
place = "point"
cost = "number"
"#;

#[test]
fn an_export_in_the_portals_default_style_is_dated() {
    let files = Files::bundled("fire-ems-calls");
    let said = files.land(
        "export.csv",
        "RowID,Call Type,Received DtTm,Available DtTm,case_location\n\
         170000001-E01,Alarms,2017 Feb 28 11:59:59 PM,2017 Mar 01 12:00:00 AM,POINT (-122.41 37.78)\n\
         170000002-E01,Alarms,2017/03/01 12:00:01 PM,03/01/2017 01:02:03 PM,POINT (-122.42 37.77)\n\
         170000003-E01,Alarms,\"March 1, 2017 09:05 a.m.\",1 march 2017,POINT (-122.43 37.76)\n",
    );
    assert!(said.contains("3 new") && said.contains("0 rejected"), "{said}");
    assert_eq!(
        files.sql("SELECT id, occurred_at, closed_at FROM incidents ORDER BY id"),
        json!([
            {"id": "170000001-E01", "occurred_at": "2017-02-28T23:59:59", "closed_at": "2017-03-01T00:00:00"},
            {"id": "170000002-E01", "occurred_at": "2017-03-01T12:00:01", "closed_at": "2017-03-01T13:02:03"},
            {"id": "170000003-E01", "occurred_at": "2017-03-01T09:05:00", "closed_at": "2017-03-01T00:00:00"},
        ])
    );
}

#[test]
fn a_page_of_undated_rows_is_warned_of_with_a_sample() {
    let files = Files::in_pages_of_two(CALLS);
    let said =
        files.land("calls.csv", "id,opened,place\n1,sometime,\"(37.5, -122.5)\"\n2,12/15/05,\"(37.5, -122.5)\"\n");
    assert!(said.contains("2 of 2 rows") && said.contains("`sometime`"), "{said}");
    assert!(said.contains("`opened`") && said.contains("_extra"), "{said}");
    // A year of two digits is not a year, and the original is kept.
    assert_eq!(
        files.sql("SELECT opened, _extra FROM raw.calls ORDER BY id"),
        json!([
            {"opened": null, "_extra": "{\"opened\":\"sometime\"}"},
            {"opened": null, "_extra": "{\"opened\":\"12/15/05\"}"},
        ])
    );
    let dated = files.land("more.csv", "id,opened,place\n3,12/15/2005,\"(37.5, -122.5)\"\n");
    assert!(!dated.contains("undated"), "{dated}");
}

#[test]
fn a_page_of_rows_without_a_place_is_warned_of() {
    let land = |places: &[&str]| {
        let rows = places.iter().enumerate().map(|(n, place)| format!("{n},2020-01-01,\"{place}\"\n"));
        Files::in_pages_of_two(CALLS).land("calls.csv", format!("id,opened,place\n{}", rows.collect::<String>()))
    };
    let said = land(&["37.5; -122.5", "(37.5, -122.5)"]);
    assert!(said.contains("1 of 2 rows of a page have a place that cannot be read, such as `37.5; -122.5`"), "{said}");
    let exchanged = land(&["(-122.5, 37.5)", "(-122.6, 37.6)", "(37.5, -122.5)"]);
    let says =
        "2 of 2 rows of a page are outside of `[bounds]` of the resource file, such as latitude -122.5, longitude 37.5";
    assert!(exchanged.contains(says), "{exchanged}");
    let usual = land(&["(37.5, -122.5)", "(0, 0)", "(0, 0)", "", "POINT (-122.5 37.5)"]);
    assert!(!usual.contains("place that cannot") && !usual.contains("outside"), "{usual}");
}

#[test]
fn a_year_of_two_digits_is_read_within_declared_bounds() {
    let files = Files::in_pages_of_two(
        &CALLS.replace("north = 38.0", "north = 38.0\nearliest = \"1990-01-01\"\nlatest = \"2050-01-01\""),
    );
    files.land("calls.csv", "id,opened,place\n1,12/15/05 12:52,\n2,1/5/99 9:05,\n3,7/4/76,\n");
    assert_eq!(
        files.sql("SELECT id, occurred_at FROM incidents ORDER BY id"),
        json!([
            {"id": "1", "occurred_at": "2005-12-15T12:52:00"},
            {"id": "2", "occurred_at": "1999-01-05T09:05:00"},
            {"id": "3", "occurred_at": null},
        ])
    );
}

#[test]
fn days_before_months_are_refused_or_declared() {
    let text = "id,opened,place\n1,03/04/2020,\n2,05/06/2020,\n3,31/12/2020 10:00,\n";
    Files::in_pages_of_two(CALLS).refused("calls.csv", text, "date_order");
    let rows = r#"[{"id": "1", "opened": "03/04/2020"}, {"id": "2", "opened": "31/12/2020"}]"#;
    Files::in_pages_of_two(CALLS).refused("calls.json", rows, "row 2 holds `31/12/2020`");
    let files = Files::in_pages_of_two(&CALLS.replace("key = [\"id\"]", "key = [\"id\"]\ndate_order = \"day-first\""));
    files.land("calls.csv", text);
    assert_eq!(
        files.sql("SELECT id, occurred_at FROM incidents ORDER BY id"),
        json!([
            {"id": "1", "occurred_at": "2020-04-03T00:00:00"},
            {"id": "2", "occurred_at": "2020-06-05T00:00:00"},
            {"id": "3", "occurred_at": "2020-12-31T10:00:00"},
        ])
    );
    // One date of the other order among many is a mistake of that row.
    let files = Files::in_pages_of_two(CALLS);
    files.land("calls.csv", "id,opened,place\n1,12/31/2020,\n2,31/12/2020,\n");
    assert_eq!(files.sql("SELECT COUNT(occurred_at) AS n FROM incidents"), json!([{"n": 1}]));
}

#[test]
fn titles_of_exports_find_their_columns() {
    let files = Files::bundled(CASES_RESOURCE);
    let said = files.land(
        "export.csv",
        "CaseID,Opened,Closed,Status,Category,Request Type,Neighborhood,Police District,Latitude,Longitude\n\
         17100001,06/29/2019 09:48:00 PM,,Open,Graffiti,Wall,Mission,MISSION,37.76,-122.42\n",
    );
    assert!(said.contains("1 new"), "{said}");
    assert_eq!(
        files.sql("SELECT id, category, status, neighborhood, district, occurred_at, cell IS NOT NULL AS located FROM incidents"),
        json!([{
            "id": "17100001", "category": "Graffiti", "status": "Open", "neighborhood": "Mission", "district": "MISSION",
            "occurred_at": "2019-06-29T21:48:00", "located": true,
        }])
    );
    let files = Files::bundled("fire-ems-calls");
    files.land(
        "export.csv",
        "RowID,Received DtTm,Neighborhooods - Analysis Boundaries,Location\n1,04/07/2020,Mission,\"(37.76, -122.42)\"\n",
    );
    files.land(
        "older.csv",
        "RowID,Received DtTm,Neighborhood  District,Location\n2,04/07/2018,Sunset,\"(37.76, -122.42)\"\n",
    );
    assert_eq!(
        files.sql("SELECT neighborhood FROM incidents ORDER BY id"),
        json!([{"neighborhood": "Mission"}, {"neighborhood": "Sunset"}])
    );
    let files = Files::in_pages_of_two(CALLS);
    files.land("export.csv", "ID,Opened,Kind of Call?,Area,Place\n1,2020-01-01,Noise,Mission,\n");
    assert_eq!(
        files.sql("SELECT category, neighborhood FROM incidents"),
        json!([{"category": "Noise", "neighborhood": "Mission"}])
    );
}

#[test]
fn a_missing_column_is_told_and_a_needed_one_refused() {
    let files = Files::in_pages_of_two(CALLS);
    files.refused("calls.csv", "Opened,Place\n2020-01-01,\n", "no column is `id`, the key");
    files.refused("calls.csv", "id,Opend,Place\n1,2020-01-01,\n", "is it `Opend`?");
    files.refused("calls.csv", "id,opened,Where\n1,2020-01-01,\n", "no column is `place`");
    let said = files.land("calls.csv", "id,opened,place,Naighborhood\n1,2020-01-01,,Mission\n");
    assert!(said.contains("`neighborhood` (neighborhood), nearest title `Naighborhood`"), "{said}");
    assert!(said.contains("`kind_of_call_` (category)"), "{said}");
    // In JSON an absent member is a null: reported if none of the rows has it.
    let files = Files::in_pages_of_two(CALLS);
    let rows = r#"[{"id": "1", "opened": "2020-01-01", "kind_of_cal": "Noise", "place": "(37.5, -122.5)"}]"#;
    let said = files.land("calls.json", rows);
    assert!(said.contains("`kind_of_call_`") && said.contains("is `kind_of_cal` its new name?"), "{said}");
    let said = files.land("more.json", r#"[{"id": "2", "place": "(37.5, -122.5)"}]"#);
    assert!(said.contains("none of 1 rows has a value in `opened`"), "{said}");
}

#[test]
fn a_portal_that_renames_a_column_is_warned_of() {
    let bench = Bench::synthetic(600);
    let mut columns = bench.portal.columns(CASES);
    columns.push(Column::new("service_names", SodaType::Text));
    bench.portal.set_columns(CASES, columns);
    bench.portal.restamp(CASES, 1_790_000_000_000, |row| {
        if let Some(name) = row.remove("service_name") {
            row.insert("service_names".to_owned(), name);
        }
    });
    let columns = bench.portal.columns(CASES).into_iter().filter(|column| column.name != "service_name");
    bench.portal.set_columns(CASES, columns.collect());
    let said = bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "200"]).success().stderr;
    assert!(said.contains("`service_name`, the column of `category`"), "{said}");
    assert_eq!(said.matches("is `service_names` its new name?").count(), 1, "{said}");
}

#[test]
fn a_point_is_found_behind_its_address_and_kept_if_not() {
    let files = Files::in_pages_of_two(CALLS);
    files.land(
        "calls.csv",
        "id,opened,place\n\
         1,2020-01-01,\"1 MADE UP ST\nEXAMPLE, CA\n(37.5, -122.5)\"\n\
         2,2020-01-01,\"UNION SQ (NORTH, SOUTH) (37.5, -122.5)\"\n\
         3,2020-01-01,\"(37.5°, -122.5°)\"\n\
         4,2020-01-01,POINT Z (-122.5 37.5 12)\n\
         5,2020-01-01,\"CORNER (NORTH SIDE)\"\n\
         6,2020-01-01,POINT EMPTY\n\
         7,2020-01-01,\n",
    );
    let rows = json!([
        {"id": "8", "opened": "2020-01-01", "place": {"type": "Point", "coordinates": [-122.5, 37.5, 0]}},
        {"id": "9", "opened": "2020-01-01", "place": {"latitude": "", "longitude": ""}},
    ]);
    files.land("calls.json", rows.to_string());
    assert_eq!(
        files.sql(
            "SELECT id FROM incidents WHERE latitude = 37.5 AND longitude = -122.5 AND cell IS NOT NULL ORDER BY id"
        ),
        json!([{"id": "1"}, {"id": "2"}, {"id": "3"}, {"id": "4"}, {"id": "8"}])
    );
    assert_eq!(
        files.sql("SELECT id, _extra FROM raw.calls WHERE _extra IS NOT NULL ORDER BY id"),
        json!([
            {"id": "5", "_extra": "{\"place\":\"CORNER (NORTH SIDE)\"}"},
            {"id": "6", "_extra": "{\"place\":\"POINT EMPTY\"}"},
            {"id": "9", "_extra": "{\"place\":{\"latitude\":\"\",\"longitude\":\"\"}}"},
        ])
    );
}

#[test]
fn the_definition_says_which_of_two_names_counts() {
    for order in [["neighborhood", "area"], ["area", "neighborhood"]] {
        let files = Files::in_pages_of_two(CALLS);
        let row = |own: Value, alias: Value| {
            let value = |name: &str| if name == "area" { alias.clone() } else { own.clone() };
            let [one, other] = order;
            format!(r#"[{{"id": "1", "opened": "2020-01-01", "{one}": {}, "{other}": {}}}]"#, value(one), value(other))
        };
        let named = || files.sql("SELECT neighborhood FROM incidents");
        files.land("both.json", row(json!("Mission"), json!("South")));
        assert_eq!(named(), json!([{"neighborhood": "Mission"}]), "{order:?}");
        // The rest is kept.
        assert_eq!(files.sql("SELECT _extra FROM raw.calls"), json!([{"_extra": "{\"area\":\"South\"}"}]), "{order:?}");
        // A portal leaves nulls out: a null is as absent, and the alias has the value.
        files.land("null.json", row(Value::Null, json!("South")));
        assert_eq!(named(), json!([{"neighborhood": "South"}]), "{order:?}");
    }
}

#[test]
fn rows_with_one_key_are_told_and_the_later_counts() {
    let row = |stamp: Option<&str>, id: Option<&str>, kind: &str| {
        let mut row = json!({"id": "1", "opened": "2020-01-01", "kind_of_call_": kind, "place": "(37.5, -122.5)"});
        for (name, value) in [(":updated_at", stamp), (":id", id)] {
            if let Some(value) = value {
                row[name] = value.into();
            }
        }
        row
    };
    let (early, late) = (Some("2024-01-01T00:00:00.000Z"), Some("2024-01-02T00:00:00.000Z"));
    for (rows, counts, told) in [
        (json!([row(None, None, "A"), row(None, None, "B")]), "B", true),
        (json!([row(early, None, "A"), row(late, None, "B")]), "B", true),
        (json!([row(late, None, "A"), row(early, None, "B")]), "A", true),
        (json!([row(late, None, "A"), row(late, None, "B")]), "B", true),
        (json!([row(late, Some("row-a"), "A"), row(early, Some("row-b"), "B")]), "A", true),
        (json!([row(late, Some("row-b"), "A"), row(late, Some("row-a"), "B")]), "A", true),
        // One row served twice.
        (json!([row(late, Some("row-a"), "A"), row(late, Some("row-a"), "A")]), "A", false),
    ] {
        let files = Files::in_pages_of_two(CALLS);
        let said = files.land("calls.json", rows.to_string());
        assert_eq!(said.contains("rows with one key"), told, "{rows}: {said}");
        assert_eq!(said.contains("with the key of another row"), told, "{rows}: {said}");
        assert_eq!(files.sql("SELECT category FROM incidents"), json!([{"category": counts}]), "{rows}");
        assert_eq!(files.sql("SELECT SUM(count) AS n FROM counts"), json!([{"n": 1}]), "{rows}");
    }
}

#[test]
fn json_that_is_not_rows_is_refused_by_what_it_is() {
    let files = Files::in_pages_of_two(CALLS);
    let row = r#"{"id": "1", "opened": "2020-01-01"}"#;
    let many = [row; 5].join(",");
    let utf16 = |text: &str| [vec![0xFF, 0xFE], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    for (text, says) in [
        (format!("{row}\n{row}\n").into_bytes(), "one object per line"),
        (row.into(), "one object"),
        (r#"{"meta": {"view": {}}, "data": [[1]]}"#.into(), "oldest interface"),
        (r#"{"type": "FeatureCollection", "features": []}"#.into(), "GeoJSON"),
        (r#"{"message": "Not found", "errorCode": "dataset.missing"}"#.into(), "an error of the portal"),
        (b"<!DOCTYPE html><html></html>".to_vec(), "a page of HTML"),
        (Vec::new(), "is empty"),
        (b" \n ".to_vec(), "is empty"),
        (b"id,opened\n1,2\n".to_vec(), "begins with `i`"),
        (format!("[{many}").into_bytes(), "cut off"),
        (format!("[{many},{{\"id\": \"9").into_bytes(), "cut off"),
        (format!("[{many}, {{\"id\": \"9\", \"cost\": NaN}}]").into_bytes(), "NaN"),
        (format!("[{many}]\n[{many}]").into_bytes(), "second array"),
        (format!("[{many}]\nthe end").into_bytes(), "`t` follows"),
        (utf16(&format!("[{row}]")), "UTF-16"),
        (b"\x1F\x8B\x08\0".to_vec(), "gzip"),
        (b"PK\x03\x04".to_vec(), "ZIP"),
    ] {
        files.refused("saved.json", text, says);
    }
    let said = files.land("saved.json", format!("\u{feff}\n[{row}]"));
    assert!(said.contains("1 new"), "{said}");
}

#[test]
fn csv_that_is_broken_anywhere_is_refused_and_lands_nothing() {
    let files = Files::in_pages_of_two(CALLS);
    let titles = "id,opened,place,kind_of_call_";
    // More rows than a page has come before the fault.
    let good = (0..9).map(|n| format!("{n},2020-01-01,,\"Noise, \"\"loud\"\"\"\n")).collect::<String>();
    let rows = format!("{titles}\n{good}");
    for (text, says) in [
        (format!("{rows}9,2020-01-01,,\"Noi").into_bytes(), "line 11: the quoted field"),
        (format!("{rows}9,2020-01-01").into_bytes(), "line 11: the row that begins here has 2 fields"),
        (format!("{rows}9,2020-01-01,,Noise,,\n").into_bytes(), "has 6 fields"),
        (format!("{rows}9,2020-01-01,,\"Noise\" loud\n").into_bytes(), "line 11: text behind the quote"),
        (format!("{rows}9,2020-01-01,,No\0ise\n").into_bytes(), "line 11 holds a NUL"),
        (
            [rows.as_bytes(), b"9,2020-01-01,,Pe\xF1a\n"].concat(),
            "line 11: the row that begins here holds the byte 0xF1",
        ),
        // Two exports, one behind the other.
        (format!("{rows}{rows}").into_bytes(), "line 11: the titles of line 1 again"),
        (format!("{titles},ID\n").into_bytes(), "`id` and `ID` both denote `id`"),
        (format!("{titles},Kind of Call?\n").into_bytes(), "both denote `kind_of_call_`"),
        (format!("{titles},id\n").into_bytes(), "two columns are titled `id`"),
        (rows.replace(',', ";").into_bytes(), "a semicolon"),
        ("\"id\";\"opened\";\"place\"\n".into(), "a semicolon"),
        (titles.replace(',', "\t").into_bytes(), "a tab"),
        (format!("sep=,\n{rows}").into_bytes(), "`sep=,`"),
        (Vec::new(), "is empty"),
        ([vec![0xFF, 0xFE], rows.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(), "UTF-16"),
        (b"PK\x03\x04".to_vec(), "workbook"),
    ] {
        files.refused("calls.csv", text, says);
    }
    let said = files.land("calls.csv", format!("\u{feff}{titles}\r\n"));
    assert!(said.contains("0 rows"), "{said}");
    let said = files.land("calls.csv", rows.trim_end());
    assert!(said.contains("9 new") && said.contains("the last line has no end"), "{said}");
    let said = files.land("calls.csv", rows.replace('\n', "\r\n"));
    assert!(said.contains("9 unchanged") && !said.contains("no end"), "{said}");
}

#[test]
fn packed_files_are_read_to_their_end_or_refused() {
    let files = Files::in_pages_of_two(CALLS);
    let rows: String = (0..60).map(|n| format!("{n},2020-01-01,,{}\n", n * 7919 % 1000)).collect();
    std::fs::write(files.folder.path().join("calls.csv"), format!("id,opened,place,kind_of_call_\n{rows}")).unwrap();
    let zipped = std::process::Command::new("gzip").arg("-k").arg(files.folder.path().join("calls.csv")).status();
    assert!(zipped.unwrap().success());
    let packed = std::fs::read(files.folder.path().join("calls.csv.gz")).unwrap();
    files.refused("cut.csv.gz", &packed[..packed.len() / 2], "gzip data is damaged or cut off");
    files.refused("none.csv.gz", "id,opened,place\n", "gzip data is damaged or cut off");
    // Opening a pipe that nothing writes to would wait.
    let made = std::process::Command::new("mkfifo").arg(files.folder.path().join("pipe.csv")).status();
    assert!(made.expect("mkfifo").success());
    let refused = files.ingest_file("pipe.csv").expect_status(2).stderr;
    assert!(refused.contains("pipe.csv: not a file"), "{refused}");
    files.refused("cut.json.gz", &packed[..packed.len() - 4], "cut.json.gz");
    assert!(files.land("whole.csv.gz", packed).contains("60 new"));
}
