//! `/facets`: the values of labels and how many incidents have each, for the filters of a map or a list.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use axum::extract::State;
use axum::response::Response;
use futures::TryStreamExt as _;
use lake_analytics::{
    AggregatesRequest, Dimension, FILTERS, FORMAT, Filters, Parameter, ParameterError, ParameterTable, Shape,
    TimePrecision, ValueKind, most_frequent_rows, parse_optional_integer, plan_error, unknown_value, with_filters,
};
use lake_model::{Kind, Result, ResultExt};

use crate::app::{App, RequestContext};
use crate::http::endpoint::{Endpoint, FACETS};
use crate::http::request::early_end::EarlyEnd;
use crate::http::request::negotiation::FORMATS;
use crate::http::request::request_params::RequestParams;
use crate::http::request::rows_request::{Question, RowsAnswer, RowsRequest};

/// The columns that can be facets.
const FACET_NAMES: &[&str] = &["resource", "category", "subcategory", "district", "neighborhood"];
/// The facets if the request names none.
const DEFAULT_FACETS: [Dimension; 3] = [Dimension::Category, Dimension::District, Dimension::Neighborhood];
/// Values of a facet where the request names no limit.
const DEFAULT_ROWS: usize = 100;
/// The most values of a facet.
const MAX_ROWS: usize = 10_000;

const OWN_PARAMETERS: [Parameter; 3] = [
    Parameter::with_values(
        "facet",
        Shape::Many,
        ValueKind::OneOf(FACET_NAMES),
        "The facets to return; category, district and neighborhood by default.",
    ),
    Parameter::with_values(
        "limit",
        Shape::One,
        ValueKind::Integer(1, MAX_ROWS as i64),
        "The maximum number of values of each facet, the most frequent first; 100 by default.",
    ),
    FORMAT,
];

/// The parameters of `/facets`.
const PARAMETERS: ParameterTable =
    &with_filters::<{ OWN_PARAMETERS.len() }, { OWN_PARAMETERS.len() + FILTERS.len() }>(OWN_PARAMETERS);

/// The definition of `/facets`.
pub(crate) const ENDPOINT: Endpoint = Endpoint {
    path: FACETS,
    about: "The values of labels, the most frequent first, and how many incidents have each. Every filter applies.",
    parameters: PARAMETERS,
    formats: FORMATS,
    takes_body: true,
};

/// Answers `GET /facets`, and `POST` with the same parameters as the members of a JSON object.
pub(crate) async fn answer(State(app): State<Arc<App>>, params: RequestParams) -> Result<Response, EarlyEnd> {
    let parameters = params.parse(&ENDPOINT)?;
    let filters = Filters::parse(&parameters, &app.limits.answers)?;
    let facets = parse_facets(parameters.all("facet"))?;
    let most = MAX_ROWS.min(app.limits.answers.max_rows);
    let limit = parse_optional_integer(&parameters, "limit", 1, most)?.unwrap_or(DEFAULT_ROWS.min(most));
    let canonical_text = format!("{:?}", (&filters, &facets, limit));
    let question = Question { parameters: &parameters, filters: &filters, canonical_text, version: None };
    let request = RowsRequest::prepare(&app, &params, question).await?;
    let answer = request.run(count_labels(&request.context, &filters, &facets, limit)).await?;
    Ok(request.respond(answer)?)
}

fn parse_facets(given: Option<&[String]>) -> Result<Vec<Dimension>, ParameterError> {
    let Some(given) = given else { return Ok(DEFAULT_FACETS.to_vec()) };
    let named = given.iter().flat_map(|text| text.split(',')).map(str::trim);
    named
        .map(|name| {
            let found = FACET_NAMES.contains(&name).then(|| name.parse().ok());
            found.flatten().ok_or_else(|| unknown_value("facet", name, FACET_NAMES.iter().copied()))
        })
        .collect()
}

async fn count_labels(
    context: &RequestContext,
    filters: &Filters,
    facets: &[Dimension],
    limit: usize,
) -> Result<RowsAnswer> {
    let fields = [("facet", DataType::Utf8), ("value", DataType::Utf8), ("count", DataType::Int64)];
    let schema = Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec()));
    let (mut batches, mut truncated) = (Vec::new(), false);
    for facet in facets {
        let question = AggregatesRequest {
            filters: filters.clone(),
            resolution: 0,
            precision: TimePrecision::All,
            group_by: vec![*facet],
            per_km2: false,
            limit,
        };
        let rows = most_frequent_rows(context, &question).await?;
        truncated |= rows.truncated;
        let found: Vec<RecordBatch> = rows.batches.try_collect().await.map_err(plan_error)?;
        for batch in found {
            let names: ArrayRef = Arc::new(StringArray::from(vec![facet.name(); batch.num_rows()]));
            let values = Arc::clone(batch.column(0));
            let counts: ArrayRef = Arc::new(batch.column(1).as_primitive::<Int64Type>().iter().collect::<Int64Array>());
            let rows = RecordBatch::try_new(Arc::clone(&schema), vec![names, values, counts]);
            batches.push(rows.or_err(Kind::Internal, || "the values of a facet")?);
        }
    }
    Ok(RowsAnswer { schema, batches, truncated, next: None, link: None })
}
