//! Whole queries against a small dataset.

use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::params::Clauses;
use super::query::{Query, Rules};
use crate::dataset::Dataset;
use crate::errors;
use crate::exec;
use crate::types::{Column, SodaType};

const DAY_MS: i64 = 86_400_000;

fn dataset() -> Dataset {
    let columns = vec![
        Column::new("key", SodaType::Text),
        Column::new("size", SodaType::Number),
        Column::new("open", SodaType::Checkbox),
        Column::new("day", SodaType::CalendarDate),
        Column::new("place", SodaType::Point),
    ];
    let mut dataset = Dataset::new("test-test", "Test", columns);
    let row = |value: Value| value.as_object().cloned().unwrap_or_default();
    dataset.insert(row(json!({"key": "a", "size": "1.50", "open": true, "day": "2024-01-31T10:00:00.000"})), DAY_MS);
    dataset.insert(row(json!({"key": "b", "size": 20, "open": false, "day": "2024-02-01T00:00:00.000"})), 2 * DAY_MS);
    dataset.insert(
        row(json!({"key": "B's", "size": null, "place": {"type": "Point", "coordinates": [1.5, 2.5]}})),
        2 * DAY_MS,
    );
    dataset
}

fn ask(query: &[(&str, &str)]) -> Result<Vec<Map<String, Value>>, Value> {
    let dataset = dataset();
    let query: Vec<(String, String)> =
        query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let rules = Rules { columns: &dataset.columns, refuse_id_comparison: false, max_limit: 50_000 };
    let refuse =
        |failure: Failure, clauses: &Clauses| errors::query(&failure, clauses, &dataset.columns, "test-test", &query);
    let clauses = Clauses::read(&query, &dataset.columns).map_err(|f| refuse(f, &Clauses::default()))?;
    let checked = Query::check(&clauses, &rules).map_err(|f| refuse(f, &clauses))?;
    let page = exec::run(&dataset, &checked, 1);
    serde_json::from_slice(&page.body).map_err(|error| Value::from(error.to_string()))
}

/// Returns the keys of the rows that satisfy a condition, in order.
fn keys(condition: &str) -> Vec<String> {
    let rows = ask(&[("$where", condition), ("$order", "key"), ("$select", "key")]);
    rows.unwrap_or_else(|error| vec![Map::from_iter([("key".to_owned(), error)])])
        .iter()
        .map(|row| row["key"].as_str().map_or_else(|| row["key"].to_string(), str::to_owned))
        .collect()
}

#[test]
fn conditions_choose_the_rows_they_say() {
    let cases: [(&str, &[&str]); 24] = [
        ("key = 'a'", &["a"]),
        ("`key`='a' OR key=\"b\"", &["a", "b"]),
        ("key != 'a'", &["B's", "b"]),
        ("key in ('a', 'B''s')", &["B's", "a"]),
        ("key not in ('a')", &["B's", "b"]),
        ("key like 'B%'", &["B's"]),
        ("starts_with(lower(key), 'b')", &["B's", "b"]),
        ("size > 1", &["a", "b"]),
        ("size = '20'", &["b"]),
        ("size between 1 and 2", &["a"]),
        ("NOT size > 2", &["a"]),
        ("size is null", &["B's"]),
        ("size IS NOT NULL and open", &["a"]),
        ("open = false", &["b"]),
        ("size = null", &[]),
        ("place is not null", &["B's"]),
        ("day >= '2024-02-01'", &["b"]),
        ("date_trunc_ym(day) = '2024-01-01T00:00:00.000'", &["a"]),
        ("date_trunc_ymd(:updated_at) = '1970-01-03'", &["B's", "b"]),
        (":updated_at > '1970-01-02T00:00:00.000Z'", &["B's", "b"]),
        (":updated_at > '1970-01-02T00:00:00.000'", &["B's", "b"]),
        ("':' < :id and :id < 's'", &["B's", "a", "b"]),
        ("((key) = ('a')) and not (not (size > -3))", &["a"]),
        ("size > 5 or (size < 2 and key = 'a')", &["a", "b"]),
    ];
    for (condition, expected) in cases {
        assert_eq!(keys(condition), expected, "{condition}");
    }
}

#[test]
fn null_is_an_absent_key_also_when_selected() {
    let rows = ask(&[("$select", "key,size"), ("$where", "key='B''s'")]);
    assert_eq!(json!(rows.ok()), json!([{"key": "B's"}]));
}

#[test]
fn numbers_are_strings_as_published_and_checkboxes_are_booleans() {
    let rows = ask(&[("$select", "size,open"), ("$order", "size")]).unwrap_or_default();
    assert_eq!(json!(rows), json!([{"size": "1.50", "open": true}, {"size": "20", "open": false}, {}]));
}

#[test]
fn counts_and_sums_are_strings() {
    let rows = ask(&[("$select", "count(*), count(size) as sized, sum(size), avg(size), max(key)")]);
    assert_eq!(
        json!(rows.ok()),
        json!([{"count": "3", "sized": "2", "sum_size": "21.5", "avg_size": "10.75", "max_key": "b"}])
    );
    let newest = ask(&[("$select", "max(:updated_at)")]).ok();
    assert_eq!(json!(newest), json!([{"max_updated_at": "1970-01-03T00:00:00.000Z"}]));
    let none = ask(&[("$select", "count(*), min(size)"), ("$where", "key='z'")]).ok();
    assert_eq!(json!(none), json!([{"count": "0"}]));
}

#[test]
fn groups_are_counted_and_ordered() {
    let rows =
        ask(&[("$select", "date_trunc_y(day) AS year, count(*) AS n"), ("$group", "year"), ("$order", "n DESC")]);
    assert_eq!(json!(rows.ok()), json!([{"year": "2024-01-01T00:00:00.000", "n": "2"}, {"n": "1"}]));
}

#[test]
fn a_simple_filter_joins_the_condition() {
    let rows = ask(&[("open", "true"), ("$where", "size > 0"), ("$select", "key")]);
    assert_eq!(json!(rows.ok()), json!([{"key": "a"}]));
}

#[test]
fn system_fields_come_only_when_asked_for() {
    let plain = ask(&[]).unwrap_or_default();
    assert!(plain.iter().all(|row| row.keys().all(|name| !name.starts_with(':'))));
    for query in [("$select", ":*,*"), ("$$exclude_system_fields", "false")] {
        let rows = ask(&[query]).unwrap_or_default();
        assert!(rows.iter().all(|row| row.contains_key(":version") && row.contains_key("key")));
    }
}

#[test]
fn an_unknown_column_is_refused_as_recorded() {
    let body = ask(&[("$select", "nonexistent_col")]).err().unwrap_or_default();
    let line = "SELECT `nonexistent_col`\n       ^";
    assert_eq!(body["data"]["position"], json!({"row": 1, "column": 8, "line": line}));
    assert_eq!(body["data"]["column"], "nonexistent_col");
    assert_eq!(body["errorCode"], "query.soql.no-such-column");
    assert_eq!(
        body["message"],
        "Query coordinator error: query.soql.no-such-column; No such column: nonexistent_col; \
         position: Map(row -> 1, column -> 8, line -> \"SELECT `nonexistent_col`\\n       ^\")"
    );
}

#[test]
fn a_type_mismatch_is_refused_as_recorded() {
    let body = ask(&[("$where", "open='Y'"), ("$limit", "1")]).err().unwrap_or_default();
    assert_eq!(body["errorCode"], "query.soql.type-mismatch");
    assert_eq!(body["data"]["function"], "op$=");
    assert_eq!(body["data"]["type"], "text");
    let line = body["data"]["position"]["line"].as_str().unwrap_or_default();
    assert!(line.contains("`place` WHERE `open` = \"Y\" LIMIT 1\n"), "{line}");
    let under = line.lines().next().unwrap_or_default();
    let column = body["data"]["position"]["column"].as_u64().unwrap_or_default();
    assert_eq!(under.find("\"Y\"").map(|place| place as u64 + 1), Some(column));
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let refused: [(&str, &str, &str); 14] = [
        ("$where", "key = 1", "query.soql.type-mismatch"),
        ("$where", "key", "query.soql.type-mismatch"),
        ("$where", "place > 'x'", "query.soql.type-mismatch"),
        ("$where", "day > 'yesterday'", "query.soql.type-mismatch"),
        ("$where", "within_box(place, 1, 2, 3, 4)", "query.soql.no-such-function"),
        ("$select", "key, count(*)", "query.soql.column-not-in-group-bys"),
        ("$order", "nothing", "query.soql.no-such-column"),
        ("$where", "key = ", "query.compiler.malformed"),
        ("$select", "distinct key", "query.compiler.malformed"),
        ("nothing", "1", "query.soql.no-such-column"),
        ("$limit", "many", "req.bad-parameter"),
        ("$limit", "-1", "req.bad-parameter"),
        ("$having", "count(*) > 1", "req.bad-parameter"),
        ("$limit", "50001", "invalid_request"),
    ];
    for (name, value, code) in refused {
        let body = ask(&[(name, value)]).err().unwrap_or_default();
        let found = body.get("errorCode").or(body.get("code"));
        assert_eq!(found.and_then(Value::as_str), Some(code), "{name}={value}: {body}");
    }
}

#[test]
fn garbage_is_answered_not_panicked_at() {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    let words = [
        "key",
        "size",
        ":id",
        ":updated_at",
        ":*",
        "*",
        "(",
        ")",
        ",",
        "'",
        "'a'",
        "\"b\"",
        "`",
        "`key`",
        "=",
        "<",
        ">=",
        "and",
        "or",
        "not",
        "is",
        "null",
        "between",
        "in",
        "like",
        "count",
        "count(*)",
        "max(",
        "date_trunc_ym(",
        "1",
        "-",
        ".5",
        "1e",
        "1e999",
        "é",
        "\u{1f600}",
        "%",
        "\\",
        "as",
        "desc",
        ":@",
        "'2024'",
        "\0",
        "||",
        "/",
        "((((((((((((((((((((((((((((((((",
        "not not not not",
    ];
    let names = ["$select", "$where", "$order", "$group", "$limit", "$offset", "$having", "key", "size", "öpen", ""];
    let mut rng = StdRng::seed_from_u64(20);
    let mut answered = 0;
    for _ in 0..3_000 {
        let query: Vec<(&str, String)> = (0..rng.random_range(1..4))
            .map(|_| {
                let length = rng.random_range(0..9);
                let text: Vec<&str> = (0..length).map(|_| words[rng.random_range(0..words.len())]).collect();
                let glue = ["", " "][rng.random_range(0..2)];
                (names[rng.random_range(0..names.len())], text.join(glue))
            })
            .collect();
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        answered += usize::from(ask(&query).is_ok());
    }
    assert!(answered > 20, "{answered}");
    let deep = "(".repeat(100_000);
    assert!(ask(&[("$where", &deep)]).is_err());
    let negated = "not ".repeat(100_000) + "open";
    assert!(ask(&[("$where", &negated)]).is_ok());
}
