//! The paths of the API, with their parameters and formats: the source of routes, hints and the OpenAPI document.

use lake_analytics::ParameterTable;

pub(crate) const PAGE: &str = "/";
/// The files of the page.
pub(crate) const ASSETS: &str = "/assets/{file}";
pub(crate) const ICON: &str = "/icon.svg";
pub(crate) const LICENSES: &str = "/licenses.md";
/// The page about the API, for people.
pub(crate) const API: &str = "/api";
pub(crate) const AGGREGATES: &str = "/aggregates";
pub(crate) const INCIDENTS: &str = "/incidents";
pub(crate) const FACETS: &str = "/facets";
pub(crate) const HOTSPOTS: &str = "/hotspots";
pub(crate) const BOUNDARIES: &str = "/boundaries";
pub(crate) const CHANGES: &str = "/changes";
pub(crate) const TILES: &str = "/tiles/{z}/{x}/{y}";
/// The description of the tiles.
pub(crate) const TILE_JSON: &str = "/tiles.json";
pub(crate) const RESOURCES: &str = "/resources";
pub(crate) const SQL: &str = "/sql";
pub(crate) const QUERIES: &str = "/queries";
/// A named query: its name may hold `/`.
pub(crate) const QUERY: &str = "/queries/{*name}";
pub(crate) const LIMITS: &str = "/limits";
pub(crate) const METRICS: &str = "/metrics";
pub(crate) const HEALTHZ: &str = "/healthz";
pub(crate) const READYZ: &str = "/readyz";
pub(crate) const OPENAPI: &str = "/openapi.json";
/// The pages that the types of problems refer to.
pub(crate) const PROBLEMS: &str = "/problems/{slug}";

/// Every path, as clients write it.
pub(crate) const PATHS: [&str; 20] = [
    PAGE,
    API,
    AGGREGATES,
    INCIDENTS,
    FACETS,
    HOTSPOTS,
    BOUNDARIES,
    RESOURCES,
    CHANGES,
    "/tiles/{z}/{x}/{y}.mvt",
    TILE_JSON,
    SQL,
    QUERIES,
    "/queries/{name}",
    LIMITS,
    METRICS,
    HEALTHZ,
    READYZ,
    OPENAPI,
    PROBLEMS,
];

/// A path that answers with rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    pub(crate) path: &'static str,
    /// Its description, a sentence.
    pub(crate) about: &'static str,
    pub(crate) parameters: ParameterTable,
    /// The names of the formats it answers in.
    pub(crate) formats: &'static [&'static str],
    /// Whether its parameters may be posted as a JSON object.
    pub(crate) takes_body: bool,
}
