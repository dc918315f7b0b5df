//! Landing a set: as a whole and once, whatever fails, changes or is killed meanwhile.

use lake_soda_sim::Fault;
use lake_testkit::S3Server;
use serde_json::{Value, json};

use super::{LATER_MS, MOVED, NEIGHBORHOODS, SET, edit, ingest, landings, put_geometry, standing};
use crate::harness::{Bench, CASES_RESOURCE};

/// The status that the operating system reports of an aborted process.
const ABORTED: i32 = 128 + 6;

#[test]
fn a_set_lands_once_and_a_changed_one_takes_its_place_in_one_version() {
    let bench = Bench::synthetic(100);
    let said = ingest(&bench, SET).success().stderr;
    assert!(said.contains("39 boundaries, landed"), "{said}");
    let first = standing(&bench, SET);
    assert_eq!(first.len(), bench.portal.row_count(NEIGHBORHOODS));
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"));
    // The publisher's nightly stamp is not a change.
    bench.portal.restamp(NEIGHBORHOODS, LATER_MS, |_| {});
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"));
    assert_eq!(landings(&bench), 1);

    edit(&bench);
    assert!(ingest(&bench, SET).success().stderr.contains("38 boundaries, landed"));
    let second = standing(&bench, SET);
    assert_eq!(landings(&bench), 2);
    assert!(second["Mission"].contains(MOVED), "{}", second["Mission"]);
    let gone: Vec<&String> = first.keys().filter(|label| !second.contains_key(*label)).collect();
    assert_eq!(gone, ["Seacliff"]);
    assert_eq!(
        second
            .iter()
            .filter(|(label, geometry)| first[*label] != **geometry)
            .map(|(label, _)| label)
            .collect::<Vec<_>>(),
        ["Mission"]
    );
}

#[test]
fn sets_stand_beside_each_other_and_without_names_all_are_taken() {
    let bench = Bench::synthetic(100);
    // Chicago is not in this portal: some of it fails.
    bench.program().run(&["ingest", "--portal", bench.served.url(), "--retries", "0"]).expect_status(3);
    let sets =
        bench.program().sql("SELECT resource, COUNT(*) AS n FROM boundaries GROUP BY resource ORDER BY resource");
    let expected = json!([
        {"resource": "sf-find-neighborhoods", "n": 39},
        {"resource": "sf-neighborhoods", "n": 39},
        {"resource": "sf-police-districts", "n": 10},
        {"resource": "sf-police-districts-capitals", "n": 10},
        {"resource": "sf-supervisor-districts", "n": 11},
    ]);
    assert_eq!(Value::from(sets), expected);
    let stored = bench.program().sql("SELECT COUNT(*) AS n FROM stored.boundaries");
    assert_eq!(stored[0]["n"], 109);
    let status = bench.program().run(&["status", "--format", "json"]).success().json();
    let of = |name: &str| {
        let rows = status.as_array().expect("an array");
        rows.iter().find(|row| row["resource"] == name).unwrap_or_else(|| panic!("{name}: {status}")).clone()
    };
    assert_eq!((&of(SET)["boundaries"], &of(SET)["rows_are"]), (&json!(39), &json!("real")));
    assert_eq!(of(CASES_RESOURCE)["boundaries"], Value::Null);
}

#[test]
fn what_is_wrong_is_named_and_leaves_what_stood() {
    let bench = Bench::synthetic(100);
    ingest(&bench, SET).success();
    let stood = standing(&bench, SET);
    let good = bench.portal.rows(NEIGHBORHOODS).into_iter().find(|row| row["nhood"] == "Mission").expect("a row");
    for (geometry, says) in [
        (json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}), "is open"),
        (json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [0, 0]]]}), "3 positions"),
        (json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 91], [1, 1], [0, 0]]]}), "in degrees"),
        (json!({"type": "Point", "coordinates": [0, 0]}), "is a Point"),
        (Value::Null, "no GeoJSON geometry"),
    ] {
        put_geometry(&bench, &geometry);
        let said = ingest(&bench, SET).expect_status(2).stderr;
        assert!(said.contains(SET) && said.contains("`Mission`") && said.contains(says), "{said}");
        assert_eq!(standing(&bench, SET), stood, "{says}");
    }
    put_geometry(&bench, &good["the_geom"]);
    assert!(ingest(&bench, SET).success().stderr.contains("unchanged"));

    for fault in [Fault::Status(500), Fault::CutBody, Fault::NotJson, Fault::TruncatedJson, Fault::Stale] {
        // The first request asks how many there are; each is tried once more.
        bench.portal.push_faults([Fault::None, fault.clone(), fault.clone()]);
        ingest(&bench, SET).expect_status(4);
        assert_eq!((bench.portal.faults_left(), standing(&bench, SET)), (0, stood.clone()), "{fault:?}");
    }

    bench.portal.delete_where(NEIGHBORHOODS, |_| true);
    let said = ingest(&bench, SET).expect_status(4).stderr;
    assert!(said.contains("no rows"), "{said}");
    bench.portal.remove_dataset(NEIGHBORHOODS);
    ingest(&bench, SET).expect_status(2);
    assert_eq!(standing(&bench, SET), stood);
    assert_eq!(landings(&bench), 1);
}

#[test]
fn a_set_that_changes_while_it_is_read_is_read_again() {
    let bench = Bench::synthetic(100);
    // After the count and the first page a row goes, so that the pages no longer belong together.
    bench.portal.on_page(|number, portal| {
        if number == 2 {
            portal.delete_where(NEIGHBORHOODS, |row| row["nhood"] == "Seacliff");
        }
    });
    let said = bench.ingest(&bench.program(), SET, &["--page-size", "7"]).success().stderr;
    assert!(said.contains("reading the boundaries again") && said.contains("38 boundaries, landed"), "{said}");
    assert_eq!(standing(&bench, SET).len(), 38);
    // One that never comes to rest is not landed at all.
    bench.portal.on_page(|number, portal| {
        let at_ms = LATER_MS + i64::try_from(number).expect("a page") * 1_000;
        portal.restamp(NEIGHBORHOODS, at_ms, |_| {});
    });
    let said = ingest(&bench, SET).expect_status(4).stderr;
    assert!(said.contains("changed while it was read"), "{said}");
    assert_eq!(landings(&bench), 1);
}

#[test]
fn a_kill_leaves_the_old_set_or_the_new_one() {
    for point in
        ["store:before-table", "store:after-table", "store:before-sync", "store:before-publish", "store:after-publish"]
    {
        let bench = Bench::synthetic(100);
        let killed = |nth: u32| {
            let program = bench.program().env("HOTSPOTS_FAIL_AT", format!("{point}:{nth}"));
            bench.ingest(&program, SET, &[]).status
        };
        bench.ingest(&bench.program(), "sf-police-districts", &[]).success();
        let mut died = 0;
        // With the state before: nothing, then a set.
        for round in 0..2 {
            let old = standing(&bench, SET);
            if round == 1 {
                edit(&bench);
            }
            let mut nth = 1;
            loop {
                let status = killed(nth);
                if status == 0 {
                    break;
                }
                assert_eq!(status, ABORTED, "{point}");
                died += 1;
                let now = standing(&bench, SET);
                let is_new = now.len() == bench.portal.row_count(NEIGHBORHOODS)
                    && (round == 0 || now["Mission"].contains(MOVED));
                assert!(now == old || is_new, "{point}:{nth}: {:?}", now.keys());
                nth += 1;
            }
            ingest(&bench, SET).success();
            assert_eq!(standing(&bench, SET).len(), bench.portal.row_count(NEIGHBORHOODS), "{point}");
        }
        assert!(died > 0 || point.ends_with("table"), "no run passes {point}");
        bench.program().run(&["check"]).success();
        assert_eq!(standing(&bench, "sf-police-districts").len(), 10);
    }
}

#[test]
fn two_that_land_a_set_at_once_land_it_once() {
    let bench = Bench::synthetic(100);
    ingest(&bench, "sf-police-districts").success();
    for round in 0..3 {
        put_geometry(
            &bench,
            &json!({"type": "Polygon", "coordinates": [
                [[-122.5, 37.7], [-122.4, 37.7], [-122.4, 37.8 + f64::from(round) / 100.0], [-122.5, 37.7]]
            ]}),
        );
        let args = ["ingest", SET, "--portal", bench.served.url()];
        let mut both: Vec<_> = (0..2).map(|_| bench.program().spawn_in_background(&args)).collect();
        for one in &mut both {
            assert_eq!(one.wait(std::time::Duration::from_mins(1)), 0, "{}", one.log());
        }
        assert_eq!(landings(&bench), 2 + usize::try_from(round).expect("a number"));
    }
}

#[test]
fn synthetic_boundaries_and_real_ones_do_not_mix() {
    let bench = Bench::synthetic(100);
    let mut up = bench.program().spawn_serving(&["up", "--demo", "--demo-rows", "500"]);
    up.wait_for_log("Every resource has been ingested and compacted once", std::time::Duration::from_mins(4));
    assert_eq!(up.stop(), 0, "{}", up.log());
    let said = ingest(&bench, SET).expect_status(2).stderr;
    assert!(said.contains("synthetic"), "{said}");
}

#[test]
fn boundaries_land_on_s3_as_on_a_disk() {
    let Some(server) = S3Server::start("boundaries_land_on_s3_as_on_a_disk") else { return };
    let bench = Bench::synthetic(100);
    let program = server.program(bench.program(), "city").env("HOTSPOTS_INDEX", bench.folder.path().join("index"));
    for expected in ["landed", "unchanged"] {
        let said = bench.ingest(&program, SET, &[]).success().stderr;
        assert!(said.contains(expected), "{said}");
    }
    edit(&bench);
    bench.ingest(&program, SET, &[]).success();
    let rows = program.sql("SELECT COUNT(*) AS n FROM boundaries");
    assert_eq!(rows[0]["n"], 38);
    program.run(&["check"]).success();
}
