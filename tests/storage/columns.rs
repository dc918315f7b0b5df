//! Columns that a publisher adds, renames and retypes, and ids of every shape.

use std::collections::BTreeSet;

use lake_soda_sim::{Column, SodaType};
use lake_testkit::Row;

use crate::harness::{Bench, CASES, CASES_RESOURCE, assert_exact};
use crate::storage::quarantine::redefine;

const EDITED_MS: i64 = 1_790_000_000_000;

fn set(row: &mut Row, name: &str, value: &str) {
    row.insert(name.to_owned(), value.into());
}

#[test]
fn ids_of_twelve_digits_and_with_leading_zeros_are_ids_of_their_own() {
    let bench = Bench::synthetic(300);
    let ids =
        ["7", "07", "007", "0", "00", "123456789012", "0123456789012", "1000010100.00000000", "999999999999999999"];
    let mut rows = bench.portal.rows(CASES)[..ids.len()].to_vec();
    for (row, id) in rows.iter_mut().zip(ids) {
        row.retain(|name, _| !name.starts_with(':'));
        set(row, "service_request_id", id);
    }
    bench.portal.insert(CASES, rows, EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let query = "SELECT id FROM incidents WHERE length(id) <> 12 OR id = '123456789012'";
    let landed: BTreeSet<String> =
        bench.program().sql(query).iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let expected: BTreeSet<String> = ids
        .iter()
        .map(|id| id.trim_end_matches(".00000000").to_owned())
        .filter(|id| id.len() != 12 || id.starts_with("1234"))
        .collect();
    assert!(landed.is_superset(&expected), "{landed:?} lacks some of {expected:?}");
    let total = bench.program().sql("SELECT COUNT(*) AS n FROM incidents WHERE resource = '311-cases'");
    assert_eq!(total[0]["n"], bench.portal.row_count(CASES));
    bench.program().run(&["compact", "--window", "2000..2030"]).success();
    assert_eq!(
        bench.program().sql("SELECT SUM(count) AS n FROM counts WHERE resource = '311-cases'")[0]["n"],
        bench.portal.row_count(CASES)
    );
}

#[test]
fn a_column_that_is_added_is_kept_and_can_be_declared_later() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let mut columns = bench.portal.columns(CASES);
    columns.push(Column::new("priority", SodaType::Text));
    bench.portal.set_columns(CASES, columns);
    bench.portal.update_where(
        CASES,
        |_| true,
        |row| {
            set(row, "priority", "high");
            set(row, "status_notes", "with a priority");
        },
        EDITED_MS,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "a new column");
    let kept =
        bench.program().sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE _extra LIKE '%\"priority\":\"high\"%'");
    assert_eq!(kept[0]["n"], bench.portal.row_count(CASES));
    let declared = redefine(&bench, &[("[columns]", "[columns]\npriority = \"text\"")]);
    let program = bench.program().env("HOTSPOTS_RESOURCES", declared);
    bench.portal.update_where(CASES, |_| true, |row| set(row, "priority", "low"), EDITED_MS + 1_000);
    bench.ingest(&program, CASES_RESOURCE, &[]).success();
    program.run(&["compact"]).success();
    let low = program.sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE priority = 'low'");
    assert_eq!(low[0]["n"], bench.portal.row_count(CASES));
    assert_exact(&program, CASES_RESOURCE, &bench.oracle(CASES), "declared");
}

#[test]
fn a_column_that_is_renamed_is_read_by_its_alias_and_the_content_is_the_same() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let oracle = bench.oracle(CASES);
    let mut columns = bench.portal.columns(CASES);
    columns.push(Column::new("case_type", SodaType::Text));
    bench.portal.set_columns(CASES, columns);
    bench.portal.restamp(CASES, EDITED_MS, |row| {
        if let Some(name) = row.remove("service_name") {
            row.insert("case_type".to_owned(), name);
        }
    });
    let columns = bench.portal.columns(CASES).into_iter().filter(|column| column.name != "service_name");
    bench.portal.set_columns(CASES, columns.collect());
    let change = ("service_name = \"text\"", "service_name = { type = \"text\", aliases = [\"case_type\"] }");
    let program = bench.program().env("HOTSPOTS_RESOURCES", redefine(&bench, &[change]));
    let run = bench.ingest(&program, CASES_RESOURCE, &[]).success();
    assert!(run.stderr.contains("0 new, 0 changed"), "{}", run.stderr);
    assert_exact(&program, CASES_RESOURCE, &oracle, "renamed");
    // The audit uses the column name of the portal.
    let args = ["audit", "--resource", CASES_RESOURCE, "--portal", bench.served.url(), "--keys"];
    program.run(&args).success();
}

#[test]
fn a_column_that_is_retyped_keeps_its_values_and_its_rows() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let oracle = bench.oracle(CASES);
    // A number becomes a text that is not a number.
    let columns = bench.portal.columns(CASES).into_iter().map(|column| {
        if column.name == "supervisor_district" { Column::new("supervisor_district", SodaType::Text) } else { column }
    });
    bench.portal.set_columns(CASES, columns.collect());
    bench.portal.restamp(CASES, EDITED_MS, |row| set(row, "supervisor_district", "District 5"));
    let run = bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    assert!(run.stderr.contains("0 rejected"), "{}", run.stderr);
    bench.assert_exact(CASES_RESOURCE, &oracle, "retyped");
    let kept = bench.program().sql("SELECT COUNT(*) AS n FROM raw.\"311_cases\" WHERE _extra LIKE '%District 5%'");
    assert_eq!(kept[0]["n"], bench.portal.row_count(CASES));
    // A resource file that retypes a column under landed rows is rejected with the remedy.
    let change = ("supervisor_district = \"number\"", "supervisor_district = \"text\"");
    let program = bench.program().env("HOTSPOTS_RESOURCES", redefine(&bench, &[change]));
    let refused = bench.ingest(&program, CASES_RESOURCE, &[]).expect_status(2);
    assert!(refused.stderr.contains("give the new column another name"), "{}", refused.stderr);
}

#[test]
fn times_beyond_every_clock_are_undated_and_stop_nothing() {
    let bench = Bench::synthetic(300);
    let mut rows = bench.portal.rows(CASES)[..6].to_vec();
    let times = ["9999-12-31T00:00:00.000", "0201-01-01T00:00:00.000", "1677-09-21T00:12:43.000"];
    for (n, row) in rows.iter_mut().enumerate() {
        row.retain(|name, _| !name.starts_with(':'));
        set(row, "service_request_id", &format!("{}", 700_000_000_000_u64 + n as u64));
        set(row, if n < 3 { "requested_datetime" } else { "closed_date" }, times[n % 3]);
    }
    bench.portal.insert(CASES, rows, EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "fast");
    bench.program().run(&["compact"]).success();
    bench.assert_exact(CASES_RESOURCE, &bench.oracle(CASES), "compacted");
    bench.program().run(&["check"]).success();
}

#[test]
fn an_integer_id_with_a_tail_of_zeros_is_the_same_text_once_the_key_is_text() {
    let bench = Bench::synthetic(200);
    let columns = bench.portal.columns(CASES).into_iter().map(|column| match column.name.as_str() {
        "service_request_id" => Column::new("service_request_id", SodaType::Text),
        _ => column,
    });
    bench.portal.set_columns(CASES, columns.collect());
    let tailed = |row: &mut Row| {
        let id = row["service_request_id"].as_str().unwrap().to_owned();
        set(row, "service_request_id", &format!("{id}.00000000"));
    };
    bench.portal.update_where(CASES, |row| row.contains_key("service_request_id"), tailed, EDITED_MS);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    bench.program().run(&["compact"]).success();
    let changes = [
        ("key = [\"service_request_id\"]", "key = [\"number\"]"),
        ("service_request_id = \"integer\"", "number = { type = \"text\", aliases = [\"service_request_id\"] }"),
    ];
    let rekeyed = bench.program().env("HOTSPOTS_RESOURCES", redefine(&bench, &changes));
    bench.ingest(&rekeyed, CASES_RESOURCE, &[]).success();
    rekeyed.run(&["compact"]).success();
    bench.portal.restamp(CASES, EDITED_MS + 1_000, |_| {});
    let again = bench.ingest(&rekeyed, CASES_RESOURCE, &[]).success();
    assert!(again.stderr.contains("0 new, 0 changed"), "{}", again.stderr);
    let ids: BTreeSet<String> =
        rekeyed.sql("SELECT id FROM incidents").iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let published: BTreeSet<String> = bench
        .portal
        .rows(CASES)
        .iter()
        .filter_map(|row| Some(row.get("service_request_id")?.as_str()?.to_owned()))
        .collect();
    assert_eq!(ids, published);
}
