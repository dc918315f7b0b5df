//! Answers in the OpenAPI document: their schemas, headers and problems.

use lake_model::{BoundaryDimension, Kind};
use serde_json::{Map, Value, json};

use crate::http::endpoint::{AGGREGATES, BOUNDARIES, CHANGES, Endpoint, FACETS, HOTSPOTS, INCIDENTS, SQL, TILES};
use crate::http::request::negotiation::ANSWER_FORMATS;

/// The headers of every answer that was read from the lake.
pub(super) const LAKE_HEADERS: [&str; 4] = ["Lake-Version", "Lake-Exact", "Lake-As-Of", "Lake-Synthetic"];

const HEADERS: [(&str, &str); 15] = [
    ("Lake-Version", "The versions of fast_counts, counts and incidents that were read."),
    ("Lake-Exact", "Whether the answer equals a recount of all that has landed."),
    ("Lake-As-Of", "When the newest of the counts was committed."),
    ("Lake-Synthetic", "`true` if any requested resource contains synthetic rows."),
    ("Lake-Truncated", "Whether the limit truncated the answer."),
    ("Lake-Next", "The text of `page` for the next page; absent on the last."),
    ("Lake-Unlocated", "The number of matching incidents without a usable place; they are not in the answer."),
    ("Lake-Trend-Months", "The months of the trends, half-open; absent if no month is complete."),
    (
        "Lake-Warning",
        "A value of a filter that no incident has, and the nearest existing one; repeated for each value.",
    ),
    ("Link", "The address of the next page, `rel=\"next\"`; absent on the last, and of answers to POST."),
    ("Content-Disposition", "The name of a file of the answer, in formats that are saved."),
    ("ETag", "The tag of this answer: equal tags mean equal answers."),
    ("Accept-Ranges", "`bytes` if the answer has a length, and `Range` is answered."),
    ("Content-Range", "The range of the bytes, and the length of the complete answer."),
    ("Server-Timing", "The duration of each step."),
];

/// Meanings of statuses in addition to the kinds of errors.
const OTHER_TITLES: [(u16, &str); 7] = [
    (406, "not acceptable"),
    (412, "precondition failed"),
    (416, "range not satisfiable"),
    (413, "body too large"),
    (414, "head too large"),
    (415, "unsupported type"),
    (431, "head too large"),
];

/// The statuses of problems that any path with rows may have.
const COMMON_STATUSES: [u16; 13] = [400, 401, 403, 404, 406, 410, 414, 422, 429, 431, 500, 503, 504];

/// Returns the answers of a path with rows.
pub(super) fn rows_responses(endpoint: &Endpoint, posted: bool) -> Map<String, Value> {
    let mut responses = references(&COMMON_STATUSES);
    if posted {
        responses.extend(references(&[413]));
        if endpoint.path == SQL {
            responses.extend(references(&[415]));
        }
    }
    let (content, headers) = match endpoint.path {
        TILES => (json!({"application/vnd.mapbox-vector-tile": {}}), header_references(&LAKE_HEADERS)),
        BOUNDARIES => {
            let schema = json!({"$ref": "#/components/schemas/Boundaries"});
            let headers: Vec<&str> = LAKE_HEADERS.iter().chain(&["Server-Timing"]).copied().collect();
            (json!({"application/geo+json": {"schema": schema}}), header_references(&headers))
        }
        CHANGES => (json!({"application/x-ndjson": {}, "text/event-stream": {}}), Value::Null),
        path => {
            let told = ANSWER_FORMATS.iter().map(|answer_format| {
                (answer_format.content_type.to_owned(), json!({"schema": schema(path, answer_format.name)}))
            });
            let more = LAKE_HEADERS
                .iter()
                .chain(&["Lake-Truncated", "Lake-Warning", "Content-Disposition", "Server-Timing"])
                .copied();
            let own: &[&str] = match path {
                INCIDENTS => &["Lake-Next", "Link"],
                HOTSPOTS => &["Lake-Unlocated", "Lake-Trend-Months"],
                _ => &[],
            };
            let headers: Vec<&str> = more.chain(own.iter().copied()).collect();
            (Value::Object(told.collect()), header_references(&headers))
        }
    };
    let mut ok = json!({"description": endpoint.about, "content": content});
    if !headers.is_null() {
        ok["headers"] = headers;
        if !posted {
            ok["headers"]["ETag"] = json!({"$ref": "#/components/headers/ETag"});
            if endpoint.path != TILES {
                ok["headers"]["Accept-Ranges"] = json!({"$ref": "#/components/headers/Accept-Ranges"});
                // 206 is left out: only clients that send `Range` get it, and generated ones would take rows for optional.
                responses.extend(references(&[412, 416]));
            }
            responses.insert(
                "304".to_owned(),
                json!({"description": "The client already has this answer.", "headers": header_references(&["ETag", "Lake-Version"])}),
            );
        }
    }
    responses.insert("200".to_owned(), ok);
    responses
}

/// Returns the schema of an answer; binary answers, and those with an object per line, have none here.
fn schema(path: &str, format: &str) -> Value {
    let row = match path {
        AGGREGATES => "Count",
        INCIDENTS => "Incident",
        FACETS => "Facet",
        HOTSPOTS => "Hotspot",
        _ => return json!({}),
    };
    match format {
        "json" => json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{row}")}}),
        "geojson" => json!({"$ref": "#/components/schemas/FeatureCollection"}),
        "csv" => json!({"type": "string"}),
        _ => json!({}),
    }
}

/// References to the problems of these statuses.
pub(super) fn references(statuses: &[u16]) -> Map<String, Value> {
    let reference = |status: &u16| (status.to_string(), json!({"$ref": format!("#/components/responses/{status}")}));
    statuses.iter().map(reference).collect()
}

/// References to these headers.
pub(super) fn header_references(names: &[&str]) -> Value {
    let reference = |name: &&str| ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    Value::Object(names.iter().map(reference).collect())
}

/// Returns the headers.
pub(super) fn headers() -> Value {
    let told =
        |(name, about): (&str, &str)| (name.to_owned(), json!({"description": about, "schema": {"type": "string"}}));
    Value::Object(HEADERS.into_iter().map(told).collect())
}

/// Returns the problems by status.
pub(super) fn problems() -> Value {
    let mut told = Map::new();
    let titles = Kind::all().map(|kind| (kind.http_status(), kind.title())).chain(OTHER_TITLES);
    for (status, title) in titles {
        let problem = told.entry(status.to_string()).or_insert_with(|| {
            let schema = json!({"$ref": "#/components/schemas/Problem"});
            json!({"description": "", "content": {"application/problem+json": {"schema": schema}}})
        });
        let before = problem["description"].as_str().unwrap_or_default();
        let both = if before.is_empty() { title.to_owned() } else { format!("{before}, or {title}") };
        problem["description"] = both.into();
    }
    Value::Object(told)
}

/// Returns the schemas.
pub(super) fn schemas() -> Value {
    let text = || json!({"type": "string"});
    let maybe = |kind: &str| json!({"type": [kind, "null"]});
    let time = || json!({"type": ["string", "null"], "description": "Wall-clock time, without a zone."});
    let cell = || json!({"type": ["string", "null"], "description": "An H3 index, hexadecimal."});
    let whole = || json!({"type": "integer", "format": "int64"});
    let degrees =
        |most: i64| json!({"type": ["number", "null"], "format": "double", "minimum": -most, "maximum": most});
    let object = |required: &[&str], properties: Value| json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false});
    json!({
        "Count": object(&["count"], json!({
            "resource": text(), "cell": cell(), "occurred_at": time(), "category": maybe("string"),
            "subcategory": maybe("string"), "district": maybe("string"), "neighborhood": maybe("string"),
            "hour": {"type": ["integer", "null"], "minimum": 0, "maximum": 23},
            "weekday": {"type": ["integer", "null"], "minimum": 1, "maximum": 7}, "count": whole(),
            "per_km2": {"type": ["number", "null"], "minimum": 0},
        })),
        "Incident": object(&[], json!({
            "resource": text(), "id": text(), "occurred_at": time(), "closed_at": time(), "category": maybe("string"),
            "subcategory": maybe("string"), "status": maybe("string"), "district": maybe("string"),
            "neighborhood": maybe("string"), "latitude": degrees(90), "longitude": degrees(180), "cell": cell(),
            "updated_at": maybe("string"),
        })),
        "TileJson": {
            "type": "object",
            "required": ["tilejson", "tiles", "vector_layers", "minzoom", "maxzoom", "attribution"],
            "properties": {
                "tilejson": text(), "name": text(), "description": text(), "scheme": text(), "attribution": text(),
                "tiles": {"type": "array", "items": text(), "minItems": 1},
                "minzoom": whole(), "maxzoom": whole(),
                "bounds": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
                "center": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
                "vector_layers": {"type": "array", "items": {"type": "object"}},
            },
        },
        "Facet": object(&["facet", "value", "count"], json!({
            "facet": text(), "value": maybe("string"), "count": whole(),
        })),
        "Hotspot": object(&["cell", "count", "disk_cells"], json!({
            "cell": {"type": "string", "description": "An H3 index, hexadecimal."}, "count": whole(),
            "disk_cells": {
                "type": "integer", "description": "Cells of the disk around it in the study area, itself included.",
            },
            "z": maybe("number"), "p": maybe("number"), "p_adjusted": maybe("number"),
            "significance": {"enum": ["hot", "cold", null]}, "trend_tau": maybe("number"),
            "trend_z": maybe("number"), "trend_p": maybe("number"),
            "trend_slope": {"type": ["number", "null"], "description": "Incidents per month."},
            "trend": {"enum": ["rising", "falling", null]},
        })),
        "FeatureCollection": object(&["type", "features"], json!({
            "type": {"const": "FeatureCollection"},
            "features": {"type": "array", "items": object(&["type", "geometry", "properties"], json!({
                "type": {"const": "Feature"},
                "geometry": {"type": ["object", "null"], "description": "The cell, the point, or null."},
                "properties": {"type": "object"},
            }))},
        })),
        "Boundaries": object(&["type", "features"], json!({
            "type": {"const": "FeatureCollection"},
            "features": {"type": "array", "items": object(&["type", "id", "bbox", "geometry", "properties"], json!({
                "type": {"const": "Feature"},
                "id": {"type": "string", "description": "The set, `/`, the label."},
                "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
                "geometry": {"type": "object", "description": "A MultiPolygon."},
                "properties": object(&["resource", "city", "dimension", "label", "name", "counts_for"], json!({
                    "resource": {"type": "string", "description": "The set of boundaries."},
                    "city": text(),
                    "dimension": {"enum": BoundaryDimension::NAMES, "description": "The column of incidents that has the label."},
                    "label": {"type": "string", "description": "The label as in incidents."},
                    "name": {"type": "string", "description": "A name for people; equal to the label if there is no other."},
                    "counts_for": {
                        "type": "array", "items": text(),
                        "description": "The resources whose incidents have the label.",
                    },
                })),
            }))},
        })),
        "Resource": resource(),
        "NamedQuery": named_query(),
        "Limit": {"type": "object", "required": ["name", "value", "unit", "about"], "properties": {
            "name": text(), "value": maybe("integer"), "unit": text(), "about": text(), "status": maybe("integer"),
        }},
        "Problem": {"type": "object", "required": ["type", "title", "status", "detail"], "properties": {
            "type": text(), "title": text(), "status": whole(), "detail": text(), "parameter": text(),
            "request_id": text(),
        }},
    })
}

/// Returns the schema of a named query in the answer of `/queries`.
fn named_query() -> Value {
    let text = || json!({"type": "string"});
    let kind = || json!({"type": "string", "enum": ["text", "integer", "number", "boolean", "date", "timestamp"]});
    json!({"type": "object", "required": ["name", "title", "about", "parameters", "columns"], "properties": {
        "name": text(), "title": text(), "about": text(),
        "parameters": {"type": "array", "items": {
            "type": "object", "required": ["name", "type", "required", "default", "about"], "properties": {
                "name": text(), "type": kind(), "required": {"type": "boolean"},
                "default": {
                    "type": ["string", "null"], "description": "The value if none is given; null if there is none.",
                },
                "about": text(),
            },
        }},
        "columns": {
            "type": "array", "description": "Empty if the header of the query declares none.",
            "items": {"type": "object", "required": ["name", "type", "about"], "properties": {
                "name": text(), "type": kind(), "about": text(),
            }},
        },
    }})
}

/// Returns the schema of a resource in the answer of `/resources`.
fn resource() -> Value {
    let text = || json!({"type": "string"});
    let maybe = |kind: &str| json!({"type": [kind, "null"]});
    let whole = || json!({"type": "integer", "format": "int64"});
    json!({"type": "object", "required": [
        "name", "title", "city", "zone", "portal", "dataset", "licence", "landed", "incidents", "unlocated", "undated",
        "rejects_open", "batches", "watermark", "pending_batches", "last_landed_at", "lag_seconds", "exact",
        "synthetic", "cadence_seconds", "last_audit",
    ], "properties": {
        "name": text(), "title": maybe("string"), "city": maybe("string"),
        "zone": {"type": ["string", "null"], "description": "The IANA zone of its wall-clock times."},
        "portal": {"type": ["string", "null"], "description": "The base URL of its portal."},
        "dataset": {"type": ["string", "null"], "description": "The id of the dataset at the portal."},
        "licence": {"type": ["string", "null"], "description": "The licence under which it is published."},
        "landed": {"type": "boolean"},
        "incidents": whole(), "unlocated": whole(), "undated": whole(), "rejects_open": whole(), "batches": whole(),
        "watermark": whole(), "pending_batches": whole(), "last_landed_at": maybe("string"),
        "lag_seconds": maybe("integer"), "exact": {"type": "boolean"}, "synthetic": {"type": "boolean"},
        "cadence_seconds": maybe("integer"),
        "last_audit": {
            "type": ["object", "null"], "required": ["at", "window", "outcome", "drift", "differences"],
            "description": "The result of the last audit; null if there was none.",
            "properties": {
                "at": {"type": "string", "format": "date-time"},
                "window": {"type": ["string", "null"], "description": "The compared window, A..B; null if everything was compared."},
                "outcome": {"type": "string", "enum": ["none", "drift", "inconclusive"]},
                "drift": {
                    "type": ["integer", "null"],
                    "description": "Lake minus portal, added up with signs; null if inconclusive.",
                },
                "differences": {
                    "type": ["integer", "null"],
                    "description": "In how many months and categories they differ; null if inconclusive.",
                },
            },
        },
    }})
}
