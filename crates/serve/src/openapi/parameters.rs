//! Parameters in the OpenAPI document.

use lake_analytics::{FORMAT, Parameter, Shape, ValueKind};
use serde_json::{Map, Value, json};

use crate::http::endpoint::{Endpoint, PROBLEMS, TILES};

/// Returns the variable parts of a path.
pub(super) fn path_parameters(path: &str) -> Vec<Value> {
    let of = |name: &str, about: &str, schema: Value| json!({"name": name, "in": "path", "required": true, "description": about, "schema": schema});
    let whole = |most: i64| json!({"type": "integer", "minimum": 0, "maximum": most});
    let most = (1 << 24) - 1;
    match path {
        TILES => vec![
            of("z", "Zoom.", whole(24)),
            of("x", "Column from the west, below 2 to the power of the zoom.", whole(most)),
            of("y", "Row from the north, below 2 to the power of the zoom.", whole(most)),
        ],
        PROBLEMS => vec![of("slug", "The last part of the `type` of a problem.", json!({"type": "string"}))],
        _ => Vec::new(),
    }
}

/// Returns a parameter of a query.
pub(super) fn query_parameter(parameter: &Parameter, endpoint: &Endpoint) -> Value {
    let item = item(parameter, endpoint);
    let mut told = json!({"name": name(parameter), "in": "query", "description": about(parameter)});
    match parameter.shape {
        Shape::One => told["schema"] = item,
        Shape::Many => told["schema"] = json!({"type": "array", "items": item}),
        Shape::Numbers => {
            told["schema"] = json!({"type": "array", "items": {"type": "number"}});
            told["style"] = "form".into();
            told["explode"] = false.into();
        }
        Shape::Object => told["content"] = json!({"application/json": {"schema": {"type": "object"}}}),
    }
    told
}

/// Returns the body that has the parameters as its members.
pub(super) fn body(endpoint: &Endpoint) -> Value {
    let member = |parameter: &Parameter| {
        let item = item(parameter, endpoint);
        let mut schema = match parameter.shape {
            Shape::One => item,
            Shape::Many => json!({"anyOf": [item, {"type": "array", "items": item}]}),
            Shape::Numbers => json!({"type": "array", "items": {"type": "number"}}),
            Shape::Object => json!({"type": "object"}),
        };
        schema["description"] = about(parameter).into();
        (name(parameter), schema)
    };
    let members: Map<String, Value> = endpoint.parameters.iter().map(member).collect();
    json!({"type": "object", "properties": members, "additionalProperties": false})
}

/// Returns the name that distinguishes a parameter from the others in generated clients.
fn name(parameter: &Parameter) -> String {
    parameter.alias().unwrap_or_else(|| parameter.name.to_owned())
}

fn about(parameter: &Parameter) -> String {
    match parameter.alias() {
        Some(_) => format!("{} Another name for `{}`.", parameter.about, parameter.name),
        None => parameter.about.to_owned(),
    }
}

/// Returns the schema of one value.
fn item(parameter: &Parameter, endpoint: &Endpoint) -> Value {
    if parameter.name == FORMAT.name {
        return json!({"type": "string", "enum": endpoint.formats});
    }
    match parameter.values {
        ValueKind::Text => json!({"type": "string"}),
        ValueKind::Integer(least, i64::MAX) => json!({"type": "integer", "minimum": least}),
        ValueKind::Integer(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        ValueKind::Proportion(most) => json!({"type": "number", "exclusiveMinimum": 0, "maximum": most}),
        ValueKind::OneOf(names) => json!({"type": "string", "enum": names}),
        ValueKind::Boolean => json!({"type": "boolean"}),
    }
}
