//! The bodies of errors, in the shapes recorded from real portals. There are two envelopes: one
//! with `errorCode`, from the query engine, and one with `code` and `error`, from the front end.

use serde_json::{Value, json};

use crate::ids;
use crate::soql::failure::{Failure, Place};
use crate::soql::params::Clauses;
use crate::types::Column;

/// Returns the body of a refused query; every such refusal is a 400.
pub(crate) fn query(
    failure: &Failure,
    clauses: &Clauses,
    columns: &[Column],
    dataset: &str,
    query: &[(String, String)],
) -> Value {
    let placed = |code: &str, what: String, place: Place, mut data: Value| {
        let (line, column) = clauses.line(columns, place);
        let line = format!("{line}\n{}^", " ".repeat(column - 1));
        let quoted = Value::from(line.as_str());
        data["dataset"] = internal_name(dataset).into();
        data["position"] = json!({"row": 1, "column": column, "line": line});
        json!({
            "message": format!(
                "Query coordinator error: {code}; {what}; position: Map(row -> 1, column -> {column}, line -> {quoted})"
            ),
            "errorCode": code,
            "data": data,
        })
    };
    match failure {
        Failure::NoSuchColumn { column, place } => {
            placed("query.soql.no-such-column", format!("No such column: {column}"), *place, json!({"column": column}))
        }
        Failure::NoSuchFunction { function, place } => placed(
            "query.soql.no-such-function",
            format!("No such function: {function}"),
            *place,
            json!({"function": function}),
        ),
        Failure::TypeMismatch { function, kind, place } => placed(
            "query.soql.type-mismatch",
            format!("Type mismatch for {function}, is {kind}"),
            *place,
            json!({"function": function, "type": kind}),
        ),
        Failure::NotGrouped { column, place } => placed(
            "query.soql.column-not-in-group-bys",
            format!("Column not in group bys: {column}"),
            *place,
            json!({"column": column}),
        ),
        Failure::Malformed => {
            let text = as_written(query);
            json!({
                "code": "query.compiler.malformed",
                "error": true,
                "message": format!("Could not parse SoQL query {}", Value::from(text.as_str())),
                "data": {"query": text},
            })
        }
        Failure::BadParameter { parameter, value } => json!({
            "message": format!("Request has bad parameter '{parameter}' with value '{value}'"),
            "errorCode": "req.bad-parameter",
            "data": {"parameter": parameter, "value": value},
        }),
        Failure::OverLimit { cap } => json!({
            "code": "invalid_request",
            "error": true,
            "message": format!("length must be <= {cap}"),
        }),
    }
}

/// Returns a query that cannot be parsed, as one text.
fn as_written(query: &[(String, String)]) -> String {
    let value = |name: &str| query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut text = format!("select {}", value("$select").unwrap_or("*"));
    for (keyword, name) in [("where", "$where"), ("group by", "$group"), ("order by", "$order"), ("limit", "$limit")] {
        if let Some(value) = value(name) {
            text.push_str(&format!(" {keyword} {value}"));
        }
    }
    text
}

/// Returns the dataset's name inside the query engine, which is not its id.
fn internal_name(dataset: &str) -> String {
    format!("demo.{}", ids::hash_name(dataset) % 100_000)
}

/// Returns the body of a 404 for an unknown dataset.
pub(crate) fn dataset_missing(id: &str) -> Value {
    json!({"code": "dataset.missing", "error": true, "message": "Not found", "data": {"id": id}})
}

/// Returns the body of a 403 for a token that is not the portal's.
pub(crate) fn invalid_token() -> Value {
    json!({"code": "permission_denied", "error": true, "message": "Invalid app_token specified"})
}

/// Returns the body that goes with a status, for statuses without a cause of their own.
pub(crate) fn status(status: u16) -> Value {
    let (message, code, data) = match status {
        403 => return invalid_token(),
        404 => ("Not found", "not-found", json!({})),
        405 => ("Method not allowed", "method-not-allowed", json!({})),
        408 => ("Request timed out", "request-timeout", json!({"customTimeout": 30})),
        412 => ("Precondition failed", "precondition-failed", json!({})),
        429 => ("Too many requests", "too-many-requests", json!({})),
        500 => {
            let tag = "00000000-0000-4000-8000-000000000000";
            let message = format!("Internal error: please include code {tag} if you report the error");
            return json!({"message": message, "errorCode": "internal-error", "data": {"tag": tag}});
        }
        503 => ("Service unavailable", "service-unavailable", json!({})),
        _ => ("Unexpected answer", "unexpected", json!({})),
    };
    json!({"message": message, "errorCode": code, "data": data})
}
