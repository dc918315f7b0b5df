//! Values for places: they fit, or do not, as they do over HTTP, in whatever Arrow type a driver sends them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UnionArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, UnionFields};
use lake_testkit::Running;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{Client, Flight, first_number, lake, status_of, ticket_of, try_rows};

/// Returns the number that a query answers with one value in its place, over Flight SQL.
async fn bound(client: &mut Client, query: &str, value: ArrayRef) -> Result<i64, Status> {
    let row = RecordBatch::try_from_iter([("0", value)]).expect("a row");
    let mut prepared = client.prepare(query.to_owned(), None).await.map_err(status_of)?;
    prepared.set_parameters(row).expect("values");
    let info = prepared.execute().await.map_err(status_of)?;
    Ok(first_number(&try_rows(client, ticket_of(&info)).await?.1))
}

/// Returns the same over HTTP: the number, or the error.
async fn over_http(serving: &Running, query: &str, value: &Value) -> Result<i64, String> {
    let answer = serving.post_json("/sql", &json!({"query": query, "parameters": [value]})).await;
    match answer.status {
        200 => Ok(answer.json()[0]["n"].as_i64().expect("a number")),
        400 => Err(answer.json()["detail"].as_str().expect("words").to_owned()),
        other => panic!("{query} with {value}: {other}"),
    }
}

fn text(text: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![text.to_owned()]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_fits_or_does_not_as_it_does_over_http() {
    let bench = lake();
    let mut flight = Flight::start(&bench.program(), &[]);
    let line = flight.serving.wait_for_log("listening on http://", super::PATIENCE);
    flight.serving.base_url = line.split_whitespace().last().expect("an address").to_owned();
    let mut client = flight.client().await;
    let since = "SELECT COUNT(*) AS n FROM incidents WHERE occurred_at >= ?";
    let after = "SELECT COUNT(*) AS n FROM incidents WHERE date_part('year', occurred_at) > ?";
    let category = "SELECT COUNT(*) AS n FROM incidents WHERE category > ?";
    let number = |number: f64| Arc::new(Float64Array::from(vec![number])) as ArrayRef;
    for (query, json, arrow, fits) in [
        (since, json!("2024-06-01"), text("2024-06-01"), true),
        (since, json!("2024-06-01T12:30"), text("2024-06-01T12:30"), true),
        (since, json!("2024-06-01 12:30:00Z"), text("2024-06-01 12:30:00Z"), true),
        (since, json!("2024-06-01T12:30:00+02:00"), text("2024-06-01T12:30:00+02:00"), false),
        (since, json!("2024-06"), text("2024-06"), false),
        (since, json!("soon"), text("soon"), false),
        (since, json!(5.0), number(5.0), false),
        (after, json!("2023"), text("2023"), true),
        (after, json!("2023.5"), text("2023.5"), false),
        (after, json!(2023.5), number(2023.5), true),
        (category, json!(5.5), number(5.5), true),
    ] {
        let http = over_http(&flight.serving, query, &json).await;
        assert_eq!(http.is_ok(), fits, "{query} with {json}: {http:?}");
        let answered = bound(&mut client, query, arrow).await.map_err(|status| {
            assert_eq!(status.code(), Code::InvalidArgument, "{query} with {json}: {status}");
            status.message().to_owned()
        });
        match (&answered, &http) {
            (Err(answered), Err(http)) => {
                assert!(answered.contains("does not fit $1: "), "{query} with {json}: {answered}");
                assert_eq!(answered.rsplit(": ").next(), http.rsplit(": ").next(), "{query} with {json}");
            }
            _ => assert_eq!(answered, http, "{query} with {json}"),
        }
    }
}

#[tokio::test]
async fn a_time_of_another_zone_is_refused_and_not_shifted() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let query = "SELECT COUNT(*) AS n FROM incidents WHERE occurred_at >= ?";
    let moment = |zone: Option<&str>| {
        let array = TimestampMicrosecondArray::from(vec![1_717_243_200_000_000]);
        Arc::new(array.with_timezone_opt(zone.map(str::to_owned))) as ArrayRef
    };
    let plain = bound(&mut client, query, moment(None)).await.expect("a time of the city");
    assert_eq!(bound(&mut client, query, moment(Some("UTC"))).await.expect("with a Z"), plain);
    let error = bound(&mut client, query, moment(Some("+02:00"))).await.expect_err("another zone");
    let says = "`2024-06-01T14:00:00+02:00` does not fit $1: Timestamp";
    assert!(error.message().contains(says), "{error}");
}

#[tokio::test]
async fn a_value_of_a_dictionary_or_of_one_of_several_types_is_taken_for_itself() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &[]);
    let mut client = flight.client().await;
    let most =
        &bench.program().sql("SELECT category AS c, COUNT(*) AS n FROM incidents GROUP BY 1 ORDER BY 2 DESC, 1")[0];
    let category = most["c"].as_str().expect("a category");
    let query = "SELECT COUNT(*) AS n FROM incidents WHERE category = ?";
    let dictionary: DictionaryArray<Int32Type> = [category].into_iter().collect();
    let choices = [Field::new("number", DataType::Int64, true), Field::new("text", DataType::Utf8, true)];
    let choices = UnionFields::try_new([0, 1], choices).expect("choices");
    let children: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![7])), text(category)];
    let union = UnionArray::try_new(choices, vec![1].into(), Some(vec![0].into()), children).expect("a union");
    for (what, value) in [("a dictionary", Arc::new(dictionary) as ArrayRef), ("a union", Arc::new(union))] {
        assert_eq!(Value::from(bound(&mut client, query, value).await.expect(what)), most["n"], "{what}");
    }
    let list = arrow::array::ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let error = bound(&mut client, query, Arc::new(list)).await.expect_err("a list");
    assert!(error.message().contains("value 1 of those bound, named `0`, is List"), "{error}");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_by_the_limit_it_meets() {
    let bench = lake();
    let flight = Flight::start(&bench.program(), &["--max-body-bytes", "2000"]);
    let mut client = flight.client().await;
    let large = format!("SELECT 1 AS n /* {} */", "x".repeat(3_000));
    let asked = super::refused(&mut client, &large).await;
    let value = bound(&mut client, "SELECT 1 AS n WHERE ? = 'x'", text(&"x".repeat(3_000))).await;
    for error in [asked, value.expect_err("too large a value")] {
        assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
        assert_eq!(error.message(), "a message may have 2000 bytes (`max_body_bytes` of /limits)");
    }
    assert_eq!(super::number(&mut client, "SELECT 7").await, 7);
}
