//! The portal as a client meets it, over HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{Column, Fault, Portal, Serving, SodaType};

const AT: i64 = 1_754_472_017_588;

fn row(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// Creates a portal with this many rows, all of one stamp.
async fn portal(rows: usize) -> (Portal, Serving) {
    let portal = Portal::new();
    let columns = vec![
        Column::new("key", SodaType::Text),
        Column::new("n", SodaType::Number),
        Column::new(":@computed_region_aaaa_bbbb", SodaType::Number),
    ];
    portal.add_dataset("abcd-1234", "Things", columns);
    let rows = (0..rows)
        .map(|n| row(json!({"key": format!("k{n}"), "n": n.to_string(), ":@computed_region_aaaa_bbbb": "3"})))
        .collect();
    portal.insert("abcd-1234", rows, AT);
    let serving = portal.serve(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    (portal, serving)
}

async fn get(serving: &Serving, query: &[(&str, &str)]) -> reqwest::Response {
    let url = format!("{}/resource/abcd-1234.json", serving.url());
    reqwest::Client::new().get(url).query(query).send().await.unwrap()
}

async fn rows(serving: &Serving, query: &[(&str, &str)]) -> Vec<Map<String, Value>> {
    get(serving, query).await.json().await.unwrap()
}

fn text<'r>(row: &'r Map<String, Value>, name: &str) -> &'r str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Reads a dataset by keyset pages.
async fn keyset(serving: &Serving, limit: usize) -> Vec<Map<String, Value>> {
    let mut all: Vec<Map<String, Value>> = Vec::new();
    loop {
        let after = all.last().map_or(String::from(":updated_at >= '1970-01-01'"), |last| {
            let (stamp, id) = (text(last, ":updated_at"), text(last, ":id"));
            format!("(:updated_at > '{stamp}' OR (:updated_at = '{stamp}' AND :id > '{id}'))")
        });
        let page = rows(
            serving,
            &[("$select", ":*,*"), ("$where", &after), ("$order", ":updated_at,:id"), ("$limit", &limit.to_string())],
        )
        .await;
        let last = page.len() < limit;
        all.extend(page);
        if last {
            return all;
        }
    }
}

#[tokio::test]
async fn keyset_paging_over_ties_visits_each_row_once() {
    let (portal, serving) = portal(1_000).await;
    let read = keyset(&serving, 33).await;
    assert_eq!(json!(read).as_array().map(Vec::len), Some(1_000));
    let mut expected = portal.rows("abcd-1234");
    expected.iter_mut().for_each(|row| {
        row.remove(":@computed_region_aaaa_bbbb");
    });
    assert_eq!(read, expected);
    serving.stop().await;
}

#[tokio::test]
async fn unordered_offset_paging_repeats_rows_and_loses_others() {
    let (_portal, serving) = portal(1_000).await;
    let mut seen = Vec::new();
    for offset in (0..1_000).step_by(100) {
        let page = rows(&serving, &[("$limit", "100"), ("$offset", &offset.to_string())]).await;
        assert_eq!(page.len(), 100);
        seen.extend(page.iter().map(|row| text(row, "key").to_owned()));
    }
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert!(distinct.len() < 950, "{}", distinct.len());
    let once: Vec<_> = rows(&serving, &[("$limit", "100")]).await;
    assert_eq!(once, rows(&serving, &[("$limit", "100")]).await);
}

#[tokio::test]
async fn ties_of_an_order_that_is_not_total_change_between_requests() {
    let (_portal, serving) = portal(200).await;
    let query = [("$order", ":updated_at"), ("$select", "key")];
    assert_ne!(rows(&serving, &query).await, rows(&serving, &query).await);
    let total = [("$order", ":updated_at,key"), ("$select", "key")];
    assert_eq!(rows(&serving, &total).await, rows(&serving, &total).await);
}

#[tokio::test]
async fn a_page_is_one_row_a_line_and_describes_itself() {
    let (_portal, serving) = portal(2).await;
    let answer = get(&serving, &[("$order", "key")]).await;
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "application/json;charset=utf-8");
    assert_eq!(headers["x-soda2-fields"], "[\"key\",\"n\"]");
    assert_eq!(headers["x-soda2-types"], "[\"text\",\"number\"]");
    assert_eq!(headers["x-soda2-data-out-of-date"], "false");
    assert!(headers.contains_key("etag") && headers.contains_key("x-socrata-requestid"));
    assert_eq!(answer.text().await.unwrap(), "[{\"key\":\"k0\",\"n\":\"0\"}\n,{\"key\":\"k1\",\"n\":\"1\"}]\n");
    assert_eq!(get(&serving, &[("$offset", "9")]).await.text().await.unwrap(), "[]\n");
}

#[tokio::test]
async fn an_order_drops_the_computed_regions() {
    let (_portal, serving) = portal(1).await;
    let region = ":@computed_region_aaaa_bbbb";
    assert!(rows(&serving, &[]).await[0].contains_key(region));
    assert!(!rows(&serving, &[("$order", "key")]).await[0].contains_key(region));
    let select = format!("*,{region}");
    assert!(rows(&serving, &[("$order", "key"), ("$select", &select)]).await[0].contains_key(region));
}

#[tokio::test]
async fn only_a_wrong_token_is_refused() {
    let (portal, serving) = portal(1).await;
    portal.set_token(Some("right"));
    assert_eq!(get(&serving, &[]).await.status(), 200);
    assert_eq!(get(&serving, &[("$$app_token", "right")]).await.status(), 200);
    let refused = get(&serving, &[("$$app_token", "wrong")]).await;
    assert_eq!(refused.status(), 403);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body, json!({"code": "permission_denied", "error": true, "message": "Invalid app_token specified"}));
    let statuses: Vec<u16> = portal.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [200, 200, 403]);
}

#[tokio::test]
async fn an_unknown_dataset_is_missing() {
    let (_portal, serving) = portal(1).await;
    for path in ["resource", "api/id", "api/views"] {
        let answer = reqwest::get(format!("{}/{path}/zzzz-zzzz.json", serving.url())).await.unwrap();
        assert_eq!(answer.status(), 404);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            body,
            json!({"code": "dataset.missing", "error": true, "message": "Not found", "data": {"id": "zzzz-zzzz"}})
        );
    }
}

#[tokio::test]
async fn identifiers_may_be_refused_to_be_ordered_by() {
    let (portal, serving) = portal(1).await;
    portal.refuse_id_comparison("abcd-1234", true);
    let answer = get(&serving, &[("$where", ":id > 'row-2222'")]).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], "query.soql.type-mismatch");
    assert_eq!(get(&serving, &[("$where", ":id = 'row-2222'")]).await.status(), 200);
}

#[tokio::test]
async fn faults_come_one_a_data_request_and_then_all_is_well() {
    let (portal, serving) = portal(40).await;
    portal.push_faults([
        Fault::Status(503),
        Fault::TooManyRequests { retry_after_s: Some(2) },
        Fault::NotJson,
        Fault::TruncatedJson,
        Fault::Stale,
        Fault::Accepted202,
        Fault::CutBody,
        Fault::Delay(Duration::from_millis(1)),
        Fault::None,
    ]);
    assert_eq!(get(&serving, &[]).await.status(), 503);
    let slow_down = get(&serving, &[]).await;
    assert_eq!((slow_down.status().as_u16(), &slow_down.headers()["retry-after"]), (429, &"2".parse().unwrap()));
    assert!(get(&serving, &[]).await.text().await.unwrap().starts_with("<html>"));
    let cut = get(&serving, &[]).await.text().await.unwrap();
    assert!(cut.starts_with("[{") && serde_json::from_str::<Value>(&cut).is_err());
    let stale = get(&serving, &[]).await;
    assert_eq!(stale.headers()["x-soda2-data-out-of-date"], "true");
    assert_eq!(stale.text().await.unwrap(), "[]\n");
    assert_eq!(get(&serving, &[]).await.status(), 202);
    assert!(get(&serving, &[]).await.bytes().await.is_err());
    for _ in 0..3 {
        assert_eq!(rows(&serving, &[]).await.len(), 40);
    }
    assert_eq!(portal.faults_left(), 0);
}

#[tokio::test]
async fn a_conditional_request_is_told_when_nothing_changed() {
    let (portal, serving) = portal(1).await;
    let modified = get(&serving, &[]).await.headers()["last-modified"].clone();
    let again = || async {
        let url = format!("{}/resource/abcd-1234.json", serving.url());
        let request = reqwest::Client::new().get(url).header("if-modified-since", modified.clone());
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(again().await, 304);
    portal.delete_where("abcd-1234", |_| true);
    assert_eq!(again().await, 200);
}

#[tokio::test]
async fn data_may_be_edited_between_pages() {
    let (portal, serving) = portal(3).await;
    portal.on_page(|page, portal| {
        if page == 1 {
            portal.restamp("abcd-1234", AT + 1, |row| {
                row.insert("n".into(), "7".into());
            });
        }
    });
    let query = [("$select", "n,:updated_at,:created_at"), ("$order", "n")];
    let before = rows(&serving, &query).await;
    let after = rows(&serving, &query).await;
    assert_eq!(text(&before[2], "n"), "2");
    assert_eq!(text(&before[2], ":updated_at"), "2025-08-06T09:20:17.588Z");
    assert_eq!(text(&after[0], "n"), "7");
    assert_eq!(text(&after[0], ":updated_at"), "2025-08-06T09:20:17.589Z");
    assert_eq!(text(&after[0], ":created_at"), "2025-08-06T09:20:17.588Z");
}

#[tokio::test]
async fn the_view_names_types_by_their_metadata_names() {
    let (_portal, serving) = portal(1).await;
    let url = format!("{}/api/views/abcd-1234.json", serving.url());
    let view: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(view["columns"][1]["fieldName"], "n");
    assert_eq!(view["columns"][1]["dataTypeName"], "number");
    assert_eq!(view["rowsUpdatedAt"], AT / 1_000);
}

#[tokio::test]
async fn an_answer_is_compressed_only_for_those_who_accept_it() {
    let (_portal, serving) = portal(100).await;
    let url = format!("{}/resource/abcd-1234.json", serving.url());
    let plain = reqwest::Client::builder().no_gzip().build().unwrap();
    assert!(!plain.get(&url).send().await.unwrap().headers().contains_key("content-encoding"));
    let asked = plain.get(&url).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(asked.headers()["content-encoding"], "gzip");
}

#[tokio::test]
async fn a_stopped_portal_answers_no_more() {
    let (_portal, serving) = portal(1).await;
    let url = format!("{}/resource/abcd-1234.json", serving.url());
    assert!(reqwest::get(&url).await.is_ok());
    serving.stop().await;
    assert!(reqwest::get(&url).await.is_err());
}
