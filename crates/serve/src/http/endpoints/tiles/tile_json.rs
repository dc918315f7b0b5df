//! `/tiles.json`: the description of the vector tiles for maps that read it (TileJSON 3.0.0,
//! <https://github.com/mapbox/tilejson-spec/tree/master/3.0.0>).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, RawQuery, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use lake_analytics::{Filters, Parameters, parse_optional_integer};
use lake_model::{Bounds, FINEST_RESOLUTION, Resource};
use serde_json::{Value, json};

use super::{LAYER, MAX_ZOOM, PARAMETERS};
use crate::app::{App, RequestContext};
use crate::http::connection::socket::Peer;
use crate::http::endpoint::TILE_JSON;
use crate::http::response::lake_headers::insert_lake_headers;
use crate::problem::Problem;

/// How clients reach this server: `http` or `https`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scheme(pub(crate) &'static str);

/// Answers `GET /tiles.json`. It takes the filters of tiles, and passes them on to every tile.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    scheme: Option<Extension<Scheme>>,
    peer: Option<Extension<Peer>>,
    uri: Uri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let parameters = Parameters::from_query(TILE_JSON, PARAMETERS, &query)?;
    let filters = Filters::parse(&parameters, &app.limits.answers)?;
    parse_optional_integer(&parameters, "geo_precision", 0, FINEST_RESOLUTION)?;
    let context = app.open_context().await?;
    filters.check_resources(&context.snapshot.resource_names())?;
    let scheme = scheme.map_or("http", |Extension(Scheme(scheme))| scheme);
    let is_proxy = peer.is_some_and(|Extension(peer)| app.access.is_trusted_proxy(peer.address.ip()));
    let base = forwarded_base(is_proxy, scheme, &uri, &headers);
    let document = document(&base, &query, &requested_resources(&context, &filters));
    let mut response = Json(document).into_response();
    insert_lake_headers(response.headers_mut(), &context.snapshot, &filters.resources.included)?;
    Ok(response)
}

/// Returns the address of the server as the client wrote it, or as a trusted proxy reports it.
fn forwarded_base(is_proxy: bool, scheme: &str, uri: &Uri, headers: &HeaderMap) -> String {
    // The last one is what the proxy wrote itself; those before it may be the client's invention.
    let forwarded = |name: &str| {
        let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        last.rsplit(',').next().map(str::trim).filter(|text| is_proxy && !text.is_empty())
    };
    let scheme = forwarded("x-forwarded-proto").filter(|name| matches!(*name, "http" | "https")).unwrap_or(scheme);
    base(scheme, forwarded("x-forwarded-host"), uri, headers)
}

/// Returns the address of the server under a host, else as the client wrote it; a path if it sent none.
fn base(scheme: &str, host: Option<&str>, uri: &Uri, headers: &HeaderMap) -> String {
    let written = || headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let authority = host.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str)).or_else(written);
    // It becomes part of a document: a value that is not a host is ignored.
    let is_host = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:[]".contains(c));
    authority.filter(is_host).map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}

/// Returns the resources whose incidents may be in the tiles.
fn requested_resources(context: &RequestContext, filters: &Filters) -> Vec<Arc<Resource>> {
    let landed = context.snapshot.resources.keys();
    let chosen = landed.filter(|name| {
        let wanted = &filters.resources.included;
        (wanted.is_empty() || wanted.contains(name)) && !filters.resources.excluded.contains(name)
    });
    chosen.filter_map(|name| context.snapshot.catalog.get(name).ok()).collect()
}

fn document(base: &str, query: &str, resources: &[Arc<Resource>]) -> Value {
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let titles: Vec<&str> = resources.iter().map(|resource| resource.title.as_str()).collect();
    let portals: BTreeSet<&str> = resources.iter().map(|resource| resource.portal.as_str()).collect();
    let mut document = json!({
        "tilejson": "3.0.0",
        "name": "hotspots-lake",
        "description": format!("Counts of incidents by H3 cell: {}", titles.join(", ")),
        "scheme": "xyz",
        "tiles": [format!("{base}/tiles/{{z}}/{{x}}/{{y}}.mvt{query}")],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "vector_layers": [{
            "id": LAYER,
            "description": "Cells with incidents. The id of a feature names its cell, the same in every tile.",
            "fields": {
                "cell": "The H3 index, hexadecimal",
                "count": "Number of incidents",
            },
            "minzoom": 0,
            "maxzoom": MAX_ZOOM,
        }],
        "attribution": portals.into_iter().map(escape_html).collect::<Vec<_>>().join(", "),
    });
    if let Some([west, south, east, north]) = bounds(resources.iter().map(|resource| &resource.bounds)) {
        document["bounds"] = json!([west, south, east, north]);
        document["center"] = json!([f64::midpoint(west, east), f64::midpoint(south, north), 10]);
    }
    document
}

/// Returns a box around all of them: `west,south,east,north`, as a map can show it.
fn bounds<'a>(each: impl Iterator<Item = &'a Bounds>) -> Option<[f64; 4]> {
    /// The north and south edge of the Web Mercator grid, degrees.
    const EDGE: f64 = 85.051_128_779_806_6;
    let joined = each
        .map(|b| [b.west, b.south, b.east, b.north])
        .reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]);
    joined.map(|[west, south, east, north]| [west, south.max(-EDGE), east, north.min(EDGE)])
}

/// Escapes a text for HTML, which an attribution is.
fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_one_that_the_client_wrote() {
        let headers = |host: &str| HeaderMap::from_iter([(header::HOST, host.parse().expect("a header"))]);
        let path: Uri = "/tiles.json".parse().expect("a path");
        let whole: Uri = "https://lake.example/tiles.json".parse().expect("an address");
        for (uri, host, base_is) in [
            (&path, "lake.example:8080", "http://lake.example:8080"),
            (&path, "[::1]:8080", "http://[::1]:8080"),
            (&whole, "lake.example", "http://lake.example"),
            (&path, "lake.example/\"><script>", ""),
        ] {
            assert_eq!(base("http", None, uri, &headers(host)), base_is, "{host}");
        }
        assert_eq!(base("http", None, &path, &HeaderMap::new()), "");
    }

    #[test]
    fn a_trusted_proxy_says_how_clients_reach_the_server() {
        let path: Uri = "/tiles.json".parse().expect("a path");
        for (is_proxy, proto, host, base_is) in [
            (true, "https", "maps.example", "https://maps.example"),
            (true, "https", "evil.example, maps.example:8443", "https://maps.example:8443"),
            (true, "http, https", "", "https://10.0.0.7:8080"),
            (true, "javascript", "maps.example/\"", ""),
            (false, "https", "evil.example", "http://10.0.0.7:8080"),
        ] {
            let headers = [("host", "10.0.0.7:8080"), ("x-forwarded-proto", proto), ("x-forwarded-host", host)];
            let headers = headers
                .map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().expect("a header")));
            let headers = HeaderMap::from_iter(headers);
            assert_eq!(forwarded_base(is_proxy, "http", &path, &headers), base_is, "{proto} {host}");
        }
    }

    #[test]
    fn an_attribution_is_text_in_html() {
        assert_eq!(
            escape_html("https://a.example/?b=1&c=\"<i>\""),
            "https://a.example/?b=1&amp;c=&quot;&lt;i&gt;&quot;"
        );
    }
}
