//! `/incidents`: every row once, page by page, of one version, whatever lands meanwhile.

use std::collections::BTreeSet;

use lake_testkit::{Row, Running};
use serde_json::Value;

use crate::harness::{Bench, CASES, CASES_RESOURCE};

/// Returns the ids of all pages of a question; `meanwhile` runs after the first page.
async fn ids(serving: &Running, query: &str, meanwhile: impl FnOnce()) -> Vec<String> {
    let (mut ids, mut version, mut page) = (Vec::new(), None, String::new());
    let mut meanwhile = Some(meanwhile);
    loop {
        let answer = serving.get(&format!("/incidents?{query}{page}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let read = answer.header("lake-version").expect("a version").to_owned();
        assert_eq!(*version.get_or_insert(read.clone()), read, "all pages are of one version");
        let rows = answer.json();
        ids.extend(rows.as_array().expect("rows").iter().map(|row| row["id"].as_str().expect("an id").to_owned()));
        let Some(next) = answer.header("lake-next") else {
            assert_eq!(answer.header("lake-truncated"), Some("false"));
            return ids;
        };
        assert_eq!(answer.header("lake-truncated"), Some("true"));
        page = format!("&page={next}");
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile();
        }
    }
}

fn edit(bench: &Bench, stamp: i64) {
    let moved = |row: &mut Row| {
        row.insert("requested_datetime".to_owned(), "2024-06-06T06:06:06.000".into());
        row.insert("service_name".to_owned(), "Noise Report".into());
    };
    bench.portal.update_where(
        CASES,
        |row| row["service_request_id"].as_str().is_some_and(|id| id.ends_with('3')),
        moved,
        stamp,
    );
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_incident_once_as_it_was_when_the_first_was_asked_for() {
    let bench = Bench::synthetic(900);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "300"]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let before = bench.oracle(CASES);
    let all: BTreeSet<String> = before.incidents().keys().cloned().collect();
    let landed = ids(&serving, "limit=137", || edit(&bench, 1_790_000_000_000)).await;
    assert_eq!(landed.len(), all.len(), "none twice");
    assert_eq!(landed.iter().cloned().collect::<BTreeSet<_>>(), all);
    // In the order that is promised: the newest first, the undated last, then by id.
    let key = |id: &String| {
        let at = before.incidents()[id].at;
        (at.is_none(), std::cmp::Reverse(at), id.clone())
    };
    assert!(landed.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));

    bench.program().run(&["compact"]).success();
    let after = bench.oracle(CASES);
    let noise: BTreeSet<String> = after
        .incidents()
        .iter()
        .filter(|(_, incident)| incident.category.as_deref() == Some("Noise Report"))
        .map(|(id, _)| id.clone())
        .collect();
    let compacted = ids(&serving, "limit=20&category=Noise%20Report", || {
        bench.program().run(&["compact"]).success();
    })
    .await;
    assert_eq!(compacted.len(), noise.len());
    assert_eq!(compacted.into_iter().collect::<BTreeSet<_>>(), noise);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_version_was_vacuumed_is_gone_and_one_of_other_filters_is_refused() {
    let bench = Bench::synthetic(600);
    bench.ingest(&bench.program(), CASES_RESOURCE, &["--page-size", "100"]).success();
    bench.program().run(&["compact"]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let first = serving.get("/incidents?limit=10").await;
    let next = first.header("lake-next").expect("a next page").to_owned();
    let other = serving.get(&format!("/incidents?limit=10&hour=3&page={next}")).await;
    assert_eq!(other.status, 400);
    assert!(other.text().contains("other filters"), "{}", other.text());
    for wrong in ["x", "", "e30"] {
        assert_eq!(serving.get(&format!("/incidents?page={wrong}")).await.status, 400, "{wrong}");
    }
    assert_eq!(serving.get(&format!("/incidents?limit=5&columns=id,cell&page={next}")).await.status, 200);
    for stamp in [1_790_000_000_000, 1_795_000_000_000] {
        edit(&bench, stamp);
        bench.program().run(&["compact"]).success();
    }
    bench.program().run(&["vacuum", "--older-than", "0s", "--nothing-else-runs", "--apply"]).success();
    let gone = serving.get(&format!("/incidents?limit=10&page={next}")).await;
    assert_eq!(gone.status, 410, "{}", gone.text());
    assert_eq!(gone.header("content-type"), Some("application/problem+json"));
    assert_eq!(serving.get("/incidents?limit=10").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_behind_a_count_are_as_many_and_only_the_columns_chosen() {
    let bench = Bench::synthetic(700);
    bench.ingest(&bench.program(), CASES_RESOURCE, &[]).success();
    let serving = bench.program().spawn_serving(&["serve"]);
    let counts = serving.get("/aggregates?group_by=cell,category&geo_precision=7").await.json();
    let most = counts.as_array().expect("rows").iter().max_by_key(|row| row["count"].as_i64()).expect("a row").clone();
    let cell = most["cell"].as_str().map_or("located=false".to_owned(), |cell| format!("cell={cell}"));
    let category = most["category"].as_str().unwrap_or_default().replace(' ', "%20").replace('&', "%26");
    let rows =
        serving.get(&format!("/incidents?{cell}&category={category}&columns=id,category&limit=10000")).await.json();
    let rows = rows.as_array().expect("rows");
    assert_eq!(Some(i64::try_from(rows.len()).expect("few")), most["count"].as_i64());
    let names = |row: &Value| row.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert!(rows.iter().all(|row| names(row) == ["id", "category"] && row["category"] == most["category"]));
}
