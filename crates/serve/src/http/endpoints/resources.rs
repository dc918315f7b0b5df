//! `/resources`: the resources, what has landed of each, and its state.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use lake_analytics::{Parameters, plan_error};
use lake_model::{Error, Result};
use lake_query::{CountsFilter, Session, fill, scan_counts, sql_files};
use lake_store::LastAudit;
use serde::Serialize;

use crate::app::{App, RequestContext};
use crate::http::endpoint::RESOURCES;
use crate::http::request::request_params::RequestParams;
use crate::http::response::lake_headers::insert_lake_headers;
use crate::problem::Problem;

/// A resource as `/resources` describes it. A value that is only in the catalog or only in the lake is null if it is
/// absent.
#[derive(Debug, Default, Serialize)]
struct ResourceStatus {
    name: String,
    title: Option<String>,
    city: Option<String>,
    /// The IANA zone of its wall-clock times.
    zone: Option<String>,
    /// The base URL of its portal.
    portal: Option<String>,
    /// The id of the dataset at the portal.
    dataset: Option<String>,
    /// Under which it is published.
    licence: Option<String>,
    landed: bool,
    incidents: i64,
    unlocated: i64,
    undated: i64,
    rejects_open: i64,
    batches: i64,
    watermark: i64,
    pending_batches: i64,
    last_landed_at: Option<String>,
    /// Since then, by the clock of this machine.
    lag_seconds: Option<i64>,
    exact: bool,
    synthetic: bool,
    cadence_seconds: Option<u64>,
    last_audit: Option<LastAudit>,
}

/// Answers `GET /resources`.
pub(crate) async fn get(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, Problem> {
    Parameters::from_query(RESOURCES, &[], params.query())?;
    let context = app.open_context().await?;
    let mut response = Json(read_statuses(&context).await?).into_response();
    insert_lake_headers(response.headers_mut(), &context.snapshot, &[])?;
    Ok(response)
}

async fn read_statuses(context: &RequestContext) -> Result<Vec<ResourceStatus>> {
    let snapshot = &context.snapshot;
    let session = context.session().await?;
    let frame = scan_counts(&session, snapshot, CountsFilter::default(), |_| true)?;
    session.context().register_table("counted", frame.into_view()).map_err(plan_error)?;
    let totals = read_numbers(&session, sql_files::SERVE_RESOURCE_TOTALS).await?;
    let rejects = read_numbers(&session, sql_files::SERVE_OPEN_REJECTS).await?;
    let mut audits = snapshot.lake.read_last_audits(snapshot.resources.keys()).await;
    let mut statuses = Vec::new();
    for name in snapshot.resource_names() {
        let definition = snapshot.catalog.get(name).ok();
        let mut status = ResourceStatus {
            name: name.to_owned(),
            title: definition.as_ref().map(|resource| resource.title.clone()),
            city: definition.as_ref().map(|resource| resource.city.clone()),
            zone: definition.as_ref().map(|resource| resource.zone.clone()),
            portal: definition.as_ref().map(|resource| resource.portal.clone()),
            dataset: definition.as_ref().map(|resource| resource.dataset.clone()),
            licence: definition.as_ref().and_then(|resource| resource.licence.clone()),
            cadence_seconds: definition.as_ref().map(|resource| resource.cadence.seconds),
            exact: snapshot.is_exact(&[name.to_owned()]),
            ..ResourceStatus::default()
        };
        if let Some(resource) = snapshot.resources.get(name) {
            let number = |numbers: &BTreeMap<String, Vec<i64>>, column: usize| {
                numbers.get(name).and_then(|row| row.get(column)).copied().unwrap_or(0)
            };
            status.landed = true;
            status.incidents = number(&totals, 0);
            status.unlocated = number(&totals, 1);
            status.undated = number(&totals, 2);
            status.rejects_open = number(&rejects, 0);
            status.batches = resource.mark.batch;
            status.watermark = resource.watermark();
            status.pending_batches = resource.unreconciled();
            let landed_at = resource.mark.landed_at.clone();
            status.last_landed_at = (!landed_at.is_empty()).then_some(landed_at);
            status.lag_seconds = resource.lag_seconds();
            status.synthetic = resource.mark.synthetic;
            status.last_audit = audits.remove(name);
        }
        statuses.push(status);
    }
    Ok(statuses)
}

/// Runs one of our queries, and returns its rows by their first column, the resource; the other columns are integers.
async fn read_numbers(session: &Session, query: &str) -> Result<BTreeMap<String, Vec<i64>>> {
    let frame = session.sql(&fill(query, &[])?).await?;
    let mut rows = BTreeMap::new();
    for batch in frame.collect().await.map_err(plan_error)? {
        let names = batch.column(0).as_string_opt::<i32>();
        let names = names.ok_or_else(|| Error::internal("the first column of a query of totals is not text"))?;
        for row in 0..batch.num_rows() {
            let columns = batch.columns()[1..].iter().map(|column| column.as_primitive_opt::<Int64Type>());
            let values = columns.map(|column| column.map_or(0, |numbers| numbers.value(row)));
            rows.insert(names.value(row).to_owned(), values.collect());
        }
    }
    Ok(rows)
}
