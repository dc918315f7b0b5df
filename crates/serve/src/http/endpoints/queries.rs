//! `/queries`: the queries that have names, and the rows of each.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use lake_analytics::{Parameters, decode_query};
use lake_model::Kind;
use lake_query::{NamedQuery, QueryColumn, QueryParameter};
use serde::Serialize;

use super::sql::row_limit;
use crate::app::App;
use crate::http::endpoint::QUERIES;
use crate::http::request::early_end::EarlyEnd;
use crate::http::request::request_params::RequestParams;
use crate::http::request::rows_request::RowsRequest;
use crate::limits::run_until;
use crate::problem::Problem;
use crate::sql_worker::{Row, Sql, StatementValues, plan};

/// A query as `/queries` describes it.
#[derive(Debug, Serialize)]
struct QueryInfo<'a> {
    name: &'a str,
    title: &'a str,
    about: &'a str,
    parameters: &'a [QueryParameter],
    columns: &'a [QueryColumn],
}

impl<'a> From<&'a NamedQuery> for QueryInfo<'a> {
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
pub(crate) async fn list(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, Problem> {
    Parameters::from_query(QUERIES, &[], params.query())?;
    let infos: Vec<QueryInfo<'_>> = app.queries.iter().map(|query| QueryInfo::from(query.as_ref())).collect();
    Ok(Json(infos).into_response())
}

/// Answers `GET /queries/NAME`: its rows. Every parameter of the address but `format`, `limit` and `cells` is one of the query's.
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
    params: RequestParams,
) -> Result<Response, EarlyEnd> {
    let Path(name) = name.map_err(|rejection| Problem::from_kind(Kind::NotFound, rejection.body_text()))?;
    let query = app.queries.get(&name)?;
    let (mut given, mut format, mut limit, mut cells) = (Vec::new(), None, None, None);
    for (name, text) in decode_query(params.query())? {
        let once = match name.as_ref() {
            "format" => &mut format,
            "limit" => &mut limit,
            "cells" => &mut cells,
            _ => {
                query.value(&name, &text).map_err(|error| Problem::invalid_parameter(&name, error.to_string()))?;
                given.push((name, text));
                continue;
            }
        };
        if once.replace(text).is_some() {
            return Err(
                Problem::invalid_parameter(&name, format!("`{name}` is given twice; it may be given once")).into()
            );
        }
    }
    let values = query.values(given.iter().map(|(name, text)| (name.as_ref(), text.as_ref())))?;
    let limit = row_limit(&app, limit.as_deref())?;
    let mut request = RowsRequest::prepare_query(&app, &params, &name, format.as_deref(), cells.as_deref()).await?;
    let cells = cells.unwrap_or_default();
    let deadline = request.deadline;
    let answered = async {
        let planned =
            plan(&request.context, Sql::from_query(&query), StatementValues::Typed(Row::from_values(values)?)).await?;
        let texts = [query.text(), &limit.to_string(), &planned.values, &cells];
        if planned.is_fixed {
            request.tag(&params, &texts)?;
        }
        let format = request.format();
        Ok(request.respond_with_stream(planned.first_rows(limit, format).await?)?)
    };
    run_until(deadline, Box::pin(answered)).await
}
