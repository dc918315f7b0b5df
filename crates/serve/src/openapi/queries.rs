//! Named queries in the OpenAPI document: one path each.

use lake_analytics::CELLS;
use lake_query::{Cells, NamedQuery, ValueType};
use serde_json::{Map, Value, json};

use super::answers;
use crate::http::endpoint::{Endpoint, QUERIES};
use crate::http::request::negotiation::FORMATS;

/// Returns the path of a named query.
pub(super) fn path(query: &NamedQuery) -> String {
    format!("{QUERIES}/{}", query.name())
}

/// Returns the path item of a named query.
pub(super) fn item(query: &NamedQuery) -> Value {
    let endpoint = Endpoint { path: QUERIES, about: "", parameters: &[], formats: FORMATS, takes_body: false };
    let mut parameters: Vec<Value> = Vec::new();
    for parameter in query.parameters() {
        let mut schema = of_type(parameter.kind);
        if let Some(default) = &parameter.default {
            schema["description"] = format!("Default: `{default}`").into();
        }
        parameters.push(json!({
            "name": parameter.name, "in": "query", "required": parameter.required, "description": parameter.about,
            "schema": schema,
        }));
    }
    parameters.push(json!({
        "name": "limit", "in": "query", "description": "The maximum number of rows, in the order of the query; `default_rows` of /limits by default.",
        "schema": {"type": "integer", "minimum": 1},
    }));
    parameters.push(json!({
        "name": "format", "in": "query", "description": "The format of the answer; it wins over the header Accept.",
        "schema": {"type": "string", "enum": FORMATS},
    }));
    parameters.push(json!({
        "name": CELLS.name, "in": "query", "description": CELLS.about,
        "schema": {"type": "string", "enum": Cells::NAMES},
    }));
    let mut responses = answers::rows_responses(&endpoint, false);
    if !query.columns().is_empty() {
        let member = |column: &lake_query::QueryColumn| {
            // A cell is its hexadecimal text in JSON, as everywhere.
            let kind = if column.name == "cell" { ValueType::Text } else { column.kind };
            let mut schema = of_type(kind);
            schema["type"] = json!([schema["type"], "null"]);
            schema["description"] = column.about.clone().into();
            (column.name.clone(), schema)
        };
        let members: Map<String, Value> = query.columns().iter().map(member).collect();
        responses["200"]["content"]["application/json"]["schema"] =
            json!({"type": "array", "items": {"type": "object", "properties": members}});
    }
    responses["200"]["description"] = query.title().into();
    json!({"get": {
        "operationId": format!("query_{}", query.name().replace('/', "_")),
        "summary": query.title(),
        "description": query.about(),
        "parameters": parameters,
        "responses": responses,
    }})
}

fn of_type(kind: ValueType) -> Value {
    let kind = match kind {
        ValueType::Integer => "integer",
        ValueType::Number => "number",
        ValueType::Boolean => "boolean",
        ValueType::Text | ValueType::Date | ValueType::Timestamp => "string",
    };
    json!({"type": kind})
}
