//! Every path, and the layers around every request.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, OriginalUri, Path, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, handler::Handler as _};
use lake_model::{Kind, nearest};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowHeaders, CorsLayer};

use super::collected::collect_answers;
use super::endpoint::{
    AGGREGATES, API, ASSETS, BOUNDARIES, CHANGES, FACETS, HEALTHZ, HOTSPOTS, ICON, INCIDENTS, LICENSES, LIMITS,
    METRICS, OPENAPI, PAGE, PATHS, PROBLEMS, QUERIES, QUERY, READYZ, RESOURCES, SQL, TILE_JSON, TILES,
};
use super::endpoints::changes::Live;
use super::endpoints::tiles::tile_json;
use super::endpoints::{
    aggregates, boundaries, changes, facets, hotspots, incidents, operations, queries, resources, sql, tiles, web,
};
use super::layers::admit::admit;
use super::layers::observe::observe;
use super::layers::origin_guard::{allowed_origins, check_origin};
use crate::app::App;
use crate::openapi::document;
use crate::problem::Problem;

/// Returns the router of the complete interface.
pub(crate) fn router(app: Arc<App>) -> Router {
    let body_limit = DefaultBodyLimit::max(app.limits.max_body_bytes);
    let collected = Router::new()
        .route(AGGREGATES, get(aggregates::answer).post(aggregates::answer.layer(body_limit)))
        .route(INCIDENTS, get(incidents::answer).post(incidents::answer.layer(body_limit)))
        .route(FACETS, get(facets::answer).post(facets::answer.layer(body_limit)))
        .route(HOTSPOTS, get(hotspots::answer).post(hotspots::answer.layer(body_limit)))
        .route(BOUNDARIES, get(boundaries::get))
        .route(RESOURCES, get(resources::get))
        .route(SQL, get(sql::answer).post(sql::answer.layer(body_limit)))
        .route(QUERIES, get(queries::list))
        .route(QUERY, get(queries::get))
        .layer(from_fn_with_state(Arc::clone(&app), collect_answers));
    Router::new()
        .merge(collected)
        .route(PAGE, get(web::get))
        .route(ASSETS, get(web::get_asset))
        .route(ICON, get(web::get_icon))
        .route(LICENSES, get(web::get_licenses))
        .route(API, get(web::get_api))
        .route(CHANGES, get(changes::get))
        .route(TILES, get(tiles::answer).post(tiles::answer.layer(body_limit)))
        .route(TILE_JSON, get(tile_json::get))
        .route(HEALTHZ, get(operations::get_liveness))
        .route(READYZ, get(operations::get_readiness))
        .route(LIMITS, get(operations::get_limits))
        .route(METRICS, get(operations::get_metrics))
        .route(OPENAPI, get(openapi))
        .route(PROBLEMS, get(explain))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(CompressionLayer::new().compress_when(compressible()))
        .layer(map_response(weaken_tag))
        .layer(from_fn_with_state(Arc::clone(&app), admit))
        .layer(cross_origin(&app))
        .layer(from_fn_with_state(Arc::clone(&app), check_origin))
        .layer(CatchPanicLayer::custom(|cause: Box<dyn std::any::Any + Send>| {
            Problem::panicked(&*cause).into_response()
        }))
        .layer(from_fn_with_state(Arc::clone(&app), observe))
        .with_state(app)
}

/// Returns the predicate for answers that are worth compressing, and may be delayed by it.
fn compressible() -> impl Predicate {
    let packed = NotForContentType::const_new("application/vnd.apache.parquet");
    let live = |_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions| extensions.get::<Live>().is_none();
    DefaultPredicate::new().and(packed).and(live)
}

/// Makes the tag of a compressed answer a weak one: its bytes differ each time, so ranges of it cannot be requested.
async fn weaken_tag(mut response: Response) -> Response {
    if response.headers().contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = response.headers().get(header::ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""))
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        response.headers_mut().insert(header::ETAG, weak);
    }
    response
}

/// Pages of allowed origins may read everything: there are no cookies with which a page could act for a user.
fn cross_origin(app: &Arc<App>) -> CorsLayer {
    let told = [
        header::ETAG.as_str(),
        header::RETRY_AFTER.as_str(),
        header::LINK.as_str(),
        header::ACCEPT_RANGES.as_str(),
        header::CONTENT_RANGE.as_str(),
        header::CONTENT_DISPOSITION.as_str(),
        "lake-version",
        "lake-exact",
        "lake-as-of",
        "lake-truncated",
        "lake-synthetic",
        "lake-next",
        "lake-warning",
        "lake-unlocated",
        "lake-trend-months",
        "server-timing",
        "x-request-id",
    ];
    CorsLayer::new()
        .allow_origin(allowed_origins(app))
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        // Each by its name: `*` does not include Authorization.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(told.map(HeaderName::from_static))
        .max_age(Duration::from_secs(24 * 60 * 60))
}

async fn openapi(State(app): State<Arc<App>>) -> Response {
    Json(document(&app.queries)).into_response()
}

async fn explain(slug: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let Path(slug) = slug.map_err(|rejection| Problem::from_kind(Kind::NotFound, rejection.body_text()))?;
    Problem::explanation(&slug)
        .ok_or_else(|| Problem::from_kind(Kind::NotFound, format!("there is no problem `{slug}`")))
}

async fn no_such_path(OriginalUri(uri): OriginalUri) -> Problem {
    let path = uri.path();
    let near = nearest(path, PATHS).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    Problem::from_kind(Kind::NotFound, format!("there is nothing under {path}; {near}There is {}", PATHS.join(", ")))
}

async fn no_such_method(method: Method, OriginalUri(uri): OriginalUri) -> Problem {
    Problem::method_not_allowed(method.as_str(), uri.path())
}
