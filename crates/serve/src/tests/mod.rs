//! The interface over a lake whose every incident is known.

mod http;
mod lake;

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use lake_analytics::{
    AGGREGATES_PARAMETERS, AggregatesRequest, AnswerLimits, Parameters, count_rows, plan_from_counts,
    plan_from_incidents,
};
use lake_model::{MICROS_PER_DAY, MICROS_PER_HOUR, format_wall_clock, parse_wall_clock};
use lake_query::cell_to_parent;

use lake::{Dice, Incident, LANDED, test_lake, values};

fn question(query: &str) -> AggregatesRequest {
    let parameters = Parameters::from_query("/aggregates", AGGREGATES_PARAMETERS, query).expect(query);
    AggregatesRequest::parse(&parameters, &AnswerLimits::default()).expect(query)
}

fn rows(batches: &[RecordBatch]) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> = batch.columns().iter().map(values).collect();
        rows.extend(
            (0..batch.num_rows()).map(|row| columns.iter().map(|column| column[row].clone()).collect::<Vec<_>>()),
        );
    }
    rows
}

/// One dimension of one random question: its parameter, and the naive way to its value.
type Value = fn(&Incident) -> Option<String>;

fn day_start(i: &Incident) -> Option<i64> {
    i.occurred_at.map(|at| at - at.rem_euclid(MICROS_PER_DAY))
}

const DIMENSIONS: [(&str, Value); 6] = [
    ("resource", |i| Some(i.resource.to_owned())),
    ("cell", |i| Some(cell_to_parent(i.cell?, 7)?.to_string())),
    ("time", |i| Some(day_start(i)?.to_string())),
    ("category", |i| i.category.clone()),
    ("district", |i| i.district.clone()),
    ("hour", |i| Some((i.occurred_at?.rem_euclid(MICROS_PER_DAY) / MICROS_PER_HOUR).to_string())),
];

/// Whether an incident is selected.
type Test = Box<dyn Fn(&Incident) -> bool>;
/// Whether a place (latitude, longitude) is selected.
type PlaceTest<'a> = &'a dyn Fn(f64, f64) -> bool;

/// Returns a random question that counts can answer, as a query, with the naive test of an incident.
fn random_question(dice: &mut Dice) -> (String, Vec<Value>, Test) {
    let mut query = "geo_precision=7&limit=1000000".to_owned();
    let mut tests: Vec<Test> = Vec::new();
    let chosen: Vec<_> = DIMENSIONS.into_iter().filter(|_| dice.below(2) == 0).collect();
    let names: Vec<&str> = chosen.iter().map(|(name, _)| *name).collect();
    query.push_str(&format!("&group_by={}", names.join(",")));
    let hour =
        |dice: &mut Dice| parse_wall_clock("2022-01-01").expect("a time") + dice.below(3 * 365 * 24) * MICROS_PER_HOUR;
    if dice.below(2) == 0 {
        let start = hour(dice);
        query.push_str(&format!("&start_time={}", format_wall_clock(start)));
        tests.push(Box::new(move |i| i.occurred_at.is_some_and(|at| at >= start)));
        if dice.below(2) == 0 {
            let end = start + (1 + dice.below(500 * 24)) * MICROS_PER_HOUR;
            query.push_str(&format!("&end_time={}Z", format_wall_clock(end)));
            tests.push(Box::new(move |i| i.occurred_at.is_some_and(|at| at < end)));
        }
    }
    if dice.below(3) == 0 {
        query.push_str("&resource=city-fires&resource=city-crashes");
        tests.push(Box::new(|i| i.resource == "city-fires"));
    }
    if dice.below(3) == 0 {
        query.push_str("&category=Fire&category=O'Brien%20%22Noise%22");
        tests.push(Box::new(|i| i.category.as_deref().is_some_and(|c| c == "Fire" || c.starts_with("O'"))));
    }
    if dice.below(4) == 0 {
        query.push_str("&weekday=6&weekday=7");
        tests
            .push(Box::new(|i| i.occurred_at.is_some_and(|at| (at.div_euclid(MICROS_PER_DAY) + 3).rem_euclid(7) >= 5)));
    }
    (query, chosen.into_iter().map(|(_, value)| value).collect(), Box::new(move |i| tests.iter().all(|test| test(i))))
}

/// Returns the rows that a naive count finds, in no order.
fn naive(
    incidents: &[Incident],
    dimensions: &[Value],
    test: &dyn Fn(&Incident) -> bool,
) -> BTreeMap<Vec<Option<String>>, i64> {
    let mut counts = BTreeMap::new();
    if dimensions.is_empty() {
        counts.insert(Vec::new(), 0);
    }
    for incident in incidents.iter().filter(|i| test(i)) {
        *counts.entry(dimensions.iter().map(|value| value(incident)).collect()).or_insert(0) += 1;
    }
    counts
}

fn keyed(rows: Vec<Vec<Option<String>>>) -> BTreeMap<Vec<Option<String>>, i64> {
    let count = rows.len();
    let keyed: BTreeMap<_, _> = rows
        .into_iter()
        .map(|mut row| {
            let count = row.pop().flatten().expect("a count").parse().expect("a number");
            (row, count)
        })
        .collect();
    assert_eq!(keyed.len(), count, "no group comes twice");
    keyed
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_and_incidents_and_a_naive_recount_say_the_same() {
    let lake = test_lake(600).await;
    let context = lake.open_context().await;
    let snapshot = &context.snapshot;
    assert!(snapshot.is_exact(&[]) && snapshot.resources.values().all(lake_query::ResourceSnapshot::is_pending));
    let mut dice = Dice(11);
    for _ in 0..60 {
        let (query, dimensions, test) = random_question(&mut dice);
        let asked = question(&query);
        assert!(asked.is_answered_by_counts(), "{query}");
        let by_counts = plan_from_counts(&context, &asked).expect("a plan").collect().await.expect(&query);
        let decoded = count_rows(&context, &asked, usize::MAX).await.expect(&query).expect("decoded counts").rows;
        let by_rows = plan_from_incidents(&context, &asked).await.expect("a plan").collect().await.expect(&query);
        let naive = naive(&lake.incidents, &dimensions, &*test);
        assert_eq!(keyed(rows(&by_counts)), naive, "{query}");
        assert_eq!(keyed(rows(&by_rows)), naive, "{query}");
        assert_eq!(keyed(rows(&[decoded])), naive, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn points_are_tested_one_by_one() {
    let lake = test_lake(400).await;
    let context = lake.open_context().await;

    let inside =
        |place: Option<(f64, f64)>, test: &dyn Fn(f64, f64) -> bool| place.is_some_and(|(lat, lon)| test(lat, lon));
    let triangle =
        "%7B%22type%22:%22Polygon%22,%22coordinates%22:[[[-122.5,37.7],[-122.4,37.7],[-122.5,37.8],[-122.5,37.7]]]%7D";
    let near = lake_analytics::Circle { latitude: 37.75, longitude: -122.45, metres: 2_000.0 };
    let cases: [(String, PlaceTest<'_>); 3] =
        [
            ("bbox=-122.48,37.72,-122.43,37.76".to_owned(), &|lat, lon| {
                (37.72..=37.76).contains(&lat) && (-122.48..=-122.43).contains(&lon)
            }),
            ("near=37.75,-122.45,2000".to_owned(), &|lat, lon| near.contains(lat, lon)),
            (format!("polygon={triangle}&near=37.75,-122.45,2000"), &|lat, lon| {
                near.contains(lat, lon) && lake_query::Area::parse(
                r#"{"type":"Polygon","coordinates":[[[-122.5,37.7],[-122.4,37.7],[-122.5,37.8],[-122.5,37.7]]]}"#, 9,
            ).expect("an area").contains(lat, lon)
            }),
        ];
    for (query, test) in cases {
        let asked = question(&format!("{query}&group_by=resource"));
        let frame = lake_analytics::answer_frame(&context, &asked).await.expect("a plan");
        let found = keyed(rows(&frame.collect().await.expect(&query)));
        let there = naive(&lake.incidents, &[DIMENSIONS[0].1], &|i| inside(i.place, test));
        assert_eq!(found, there, "{query}");
        assert_eq!(there.len(), LANDED.len(), "{query}: the case tests something");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_meet_add_up_to_the_minute() {
    let lake = test_lake(400).await;
    let context = lake.open_context().await;

    let total = async |window: &str| {
        let frame = lake_analytics::answer_frame(&context, &question(&format!("group_by=&{window}"))).await;
        let found = rows(&frame.expect("a plan").collect().await.expect(window));
        found[0][0].clone().expect("a count").parse::<i64>().expect("a number")
    };
    let (first, second) =
        ("start_time=2022-03-01&end_time=2023-05-05T10:17", "start_time=2023-05-05T10:17&end_time=2024-12-01");
    let whole = total("start_time=2022-03-01&end_time=2024-12-01").await;
    assert_eq!(total(first).await + total(second).await, whole);
    assert!(whole > 0);
    assert_eq!(total("start_time=1950-01-01&end_time=1951-01-01").await, 0);
}
