//! The OpenAPI document (3.1), made of the very values from which requests are parsed and answers are named. It is
//! committed as `docs/openapi.json`, and a test holds the two against each other.

mod answers;
mod parameters;
mod queries;

use lake_query::Queries;
use serde_json::{Map, Value, json};

use crate::http::endpoint::{
    API, Endpoint, HEALTHZ, LIMITS, METRICS, OPENAPI, PAGE, PROBLEMS, QUERIES, READYZ, RESOURCES, TILE_JSON, TILES,
};
use crate::http::endpoints::{aggregates, boundaries, changes, facets, hotspots, incidents, sql, tiles};
use crate::metrics::MEDIA_TYPE;

/// Returns the document, with a path for each of these named queries.
pub fn document(queries: &Queries) -> Value {
    let mut paths = Map::new();
    for endpoint in [
        aggregates::ENDPOINT,
        incidents::ENDPOINT,
        facets::ENDPOINT,
        hotspots::ENDPOINT,
        boundaries::ENDPOINT,
        changes::ENDPOINT,
        tiles::ENDPOINT,
        sql::ENDPOINT,
    ] {
        paths.insert(client_path(endpoint.path), rows_path(&endpoint));
    }
    for query in queries.iter() {
        paths.insert(queries::path(query), queries::item(query));
    }
    for path in plain_paths() {
        paths.insert(path.path.to_owned(), path.item());
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "hotspots-lake",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A city's published incidents: how many, where, when, of what kind. Times are the city's own \
                            wall clock. Cells are H3 indexes.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": answers::schemas(),
            "headers": answers::headers(),
            "responses": answers::problems(),
        },
    })
}

/// Returns a path as clients write it: the router matches the extension of a tile only as a part of its row.
fn client_path(path: &str) -> String {
    if path == TILES { format!("{path}.mvt") } else { path.to_owned() }
}

/// Returns a path that answers with rows.
fn rows_path(endpoint: &Endpoint) -> Value {
    let name = endpoint.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let mut given = parameters::path_parameters(endpoint.path);
    given.extend(endpoint.parameters.iter().map(|parameter| parameters::query_parameter(parameter, endpoint)));
    let mut item = json!({"get": {
        "operationId": name,
        "summary": endpoint.about,
        "parameters": given,
        "responses": answers::rows_responses(endpoint, false),
    }});
    if endpoint.takes_body {
        item["post"] = json!({
            "operationId": format!("post_{name}"),
            "summary": format!("{} The parameters are the members of a JSON object.", endpoint.about),
            "requestBody": {"required": true, "content": {"application/json": {"schema": parameters::body(endpoint)}}},
            "responses": answers::rows_responses(endpoint, true),
        });
        let path_parameters = parameters::path_parameters(endpoint.path);
        if !path_parameters.is_empty() {
            item["post"]["parameters"] = path_parameters.into();
        }
    }
    item
}

/// A path without parameters of its own.
struct PlainPath {
    path: &'static str,
    about: &'static str,
    media_type: &'static str,
    schema: Value,
    /// The statuses of its problems.
    problems: &'static [u16],
    /// Whether every client may use it.
    open: bool,
}

fn plain_paths() -> Vec<PlainPath> {
    let array = |name: &str| json!({"type": "array", "items": {"$ref": format!("#/components/schemas/{name}")}});
    let text = || json!({"type": "string"});
    let server_statuses: &[u16] = &[401, 403, 429, 500];
    let lake_statuses: &[u16] = &[400, 401, 403, 429, 500, 503, 504];
    let of =
        |path, about, media_type, schema, problems, open| PlainPath { path, about, media_type, schema, problems, open };
    let json = "application/json";
    vec![
        of(
            RESOURCES,
            "The resources: how much of each has landed, and its state.",
            json,
            array("Resource"),
            lake_statuses,
            false,
        ),
        of(
            TILE_JSON,
            "The description of the vector tiles as TileJSON 3.0.0: their address, bounds, zooms, layer and attribution. \
             It takes the parameters of tiles, and the address of the tiles has them.",
            json,
            json!({"$ref": "#/components/schemas/TileJson"}),
            lake_statuses,
            false,
        ),
        of(LIMITS, "The limits of requests.", json, array("Limit"), server_statuses, false),
        of(
            QUERIES,
            "The named queries, with their parameters and columns.",
            json,
            array("NamedQuery"),
            lake_statuses,
            false,
        ),
        of(METRICS, "Metrics for Prometheus; needs the scope `admin`.", MEDIA_TYPE, text(), lake_statuses, false),
        of(OPENAPI, "This document.", json, json!({"type": "object"}), server_statuses, false),
        of(PROBLEMS, "The meaning of a type of problem.", "text/plain", text(), &[404, 500], true),
        of(HEALTHZ, "Whether the process answers.", "text/plain", text(), &[500], true),
        of(READYZ, "Whether the lake can be read.", "text/plain", text(), &[500, 503], true),
        of(PAGE, "The map.", "text/html", text(), &[500], true),
        of(API, "The documentation of the HTTP interface as a page.", "text/html", text(), &[500], true),
    ]
}

impl PlainPath {
    fn item(&self) -> Value {
        let name: String = self.path.chars().filter(char::is_ascii_alphabetic).collect();
        let mut responses = answers::references(self.problems);
        let mut ok = json!({"description": self.about, "content": {self.media_type: {"schema": self.schema}}});
        if [RESOURCES, TILE_JSON].contains(&self.path) {
            ok["headers"] = answers::header_references(&answers::LAKE_HEADERS);
        }
        responses.insert("200".to_owned(), ok);
        let mut get = json!({
            "operationId": if name.is_empty() { "page".to_owned() } else { name },
            "summary": self.about,
            "responses": responses,
        });
        let mut parameters = parameters::path_parameters(self.path);
        if self.path == TILE_JSON {
            let tiles = &tiles::ENDPOINT;
            parameters.extend(tiles.parameters.iter().map(|parameter| parameters::query_parameter(parameter, tiles)));
        }
        if !parameters.is_empty() {
            get["parameters"] = parameters.into();
        }
        if self.open {
            get["security"] = json!([{}]);
        }
        json!({"get": get})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::endpoint::PATHS;

    #[test]
    fn every_path_that_is_listed_is_described_and_no_other() {
        let document = document(&Queries::default());
        let mut described: Vec<&str> =
            document["paths"].as_object().expect("paths").keys().map(String::as_str).collect();
        let mut listed: Vec<&str> = PATHS.into_iter().filter(|path| *path != "/queries/{name}").collect();
        described.sort_unstable();
        listed.sort_unstable();
        assert_eq!(described, listed);
    }

    #[test]
    fn what_is_referred_to_is_there() {
        fn each<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::String(reference)) = members.get("$ref") {
                        found.push(reference);
                    }
                    members.values().for_each(|member| each(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| each(item, found)),
                _ => {}
            }
        }
        let document = document(&Queries::default());
        let mut found = Vec::new();
        each(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
