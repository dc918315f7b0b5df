//! `/queries`: the queries that have names, and the rows of each.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use lake_analytics::Parameters;
use lake_model::Kind;
use lake_query::{NamedQuery, QueryColumn, QueryParameter};
use serde::Serialize;
use tokio::time::timeout_at;
use url::form_urlencoded;

use super::sql::row_limit;
use crate::app::App;
use crate::http::endpoint::QUERIES;
use crate::http::request::rows_request::Asked;
use crate::limits::timeout_error;
use crate::problem::Problem;
use crate::sql_worker::{Row, Sql, Values, plan};

/// A query as `/queries` tells of it.
#[derive(Debug, Serialize)]
struct Told<'a> {
    name: &'a str,
    title: &'a str,
    about: &'a str,
    parameters: &'a [QueryParameter],
    columns: &'a [QueryColumn],
}

impl<'a> From<&'a NamedQuery> for Told<'a> {
    fn from(query: &'a NamedQuery) -> Self {
        Self {
            name: query.name(),
            title: query.title(),
            about: query.about(),
            parameters: query.parameters(),
            columns: query.columns(),
        }
    }
}

/// Answers `GET /queries`.
pub(crate) async fn list(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Response, Problem> {
    Parameters::from_query(QUERIES, &[], query.as_deref().unwrap_or_default())?;
    let told: Vec<Told<'_>> = app.queries.iter().map(|query| Told::from(query.as_ref())).collect();
    Ok(Json(told).into_response())
}

/// Answers `GET /queries/NAME`: its rows. Every parameter of the address but `format`, `limit` and `cells` is one of the query's.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    RawQuery(address): RawQuery,
) -> Result<Response, Problem> {
    let Path(name) = name.map_err(|rejection| Problem::of(Kind::NotFound, rejection.body_text()))?;
    let query = app.queries.get(&name)?;
    let (mut given, mut format, mut limit, mut cells) = (Vec::new(), None, None, None);
    for (name, text) in form_urlencoded::parse(address.as_deref().unwrap_or_default().as_bytes()) {
        let once = match name.as_ref() {
            "format" => &mut format,
            "limit" => &mut limit,
            "cells" => &mut cells,
            _ => {
                query.value(&name, &text).map_err(|error| Problem::parameter(&name, error.to_string()))?;
                given.push((name, text));
                continue;
            }
        };
        if once.replace(text).is_some() {
            return Err(Problem::parameter(&name, format!("`{name}` is given twice; it may be given once")));
        }
    }
    let values = query.values(given.iter().map(|(name, text)| (name.as_ref(), text.as_ref())))?;
    let limit = row_limit(&app, limit.as_deref())?;
    let asked = Asked::open(&app, &name, format.as_deref(), &headers).await?;
    let mut asked = asked.with_cells(cells.as_deref())?;
    let cells = cells.unwrap_or_default();
    let deadline = asked.deadline;
    let answered = async {
        let planned = plan(&asked.reading, Sql::of_query(&query), Values::Typed(Row::of(values)?)).await?;
        let texts = [query.text(), &limit.to_string(), &planned.values, &cells];
        if planned.is_fixed
            && let Some(known) = asked.name(&headers, &texts)?
        {
            return Ok(known);
        }
        let format = asked.format();
        asked.stream(planned.first_rows(limit, format).await?)
    };
    timeout_at(deadline, answered).await.map_err(|_| timeout_error())?
}
