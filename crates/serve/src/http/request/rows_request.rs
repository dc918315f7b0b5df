//! A request for rows: the snapshot and format of its answer, and the response.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use datafusion::error::DataFusionError;
use futures::StreamExt as _;
use lake_analytics::{CELLS, Filters, OrderedRows, ParameterError, Parameters, plan_error, unknown_value};
use lake_model::{Error, Kind, ResultExt};
use lake_query::{Cells, Format, WriterOptions};
use tokio::time::Instant;

use super::early_end::EarlyEnd;
use super::negotiation::{AnswerFormat, choose_format};
use super::request_params::RequestParams;
use crate::app::{App, RequestContext};
use crate::http::layers::observe::ACCESS;
use crate::http::response::answer_tag::AnswerTag;
use crate::http::response::lake_headers::{bool_header, encode_warning, insert_lake_headers};
use crate::http::response::rows_body::{Batches, stream_rows};
use crate::http::response::server_timing::ServerTiming;
use crate::limits::run_until;
use crate::problem::Problem;

/// A request with an open snapshot whose answer the client does not have yet.
pub(crate) struct RowsRequest {
    pub(crate) context: RequestContext,
    pub(crate) deadline: Instant,
    answer_format: AnswerFormat,
    /// The requested resources; all if empty.
    resources: Vec<String>,
    /// The name of a file of the answer, without its extension.
    file_name: String,
    options: WriterOptions,
    /// Warnings of filters that match no incident.
    warnings: Vec<String>,
    /// `None` if clients must not keep the answer.
    tag: Option<AnswerTag>,
    timing: ServerTiming,
}

/// The inputs that distinguish the answer to a question with filters from others.
pub(crate) struct Question<'a> {
    pub(crate) parameters: &'a Parameters,
    pub(crate) filters: &'a Filters,
    /// The question as it was parsed: requests with the same text have the same answer.
    pub(crate) canonical_text: String,
    /// The value of `Lake-Version` whose versions are read; the newest if `None`.
    pub(crate) version: Option<&'a str>,
}

/// All rows of an answer.
pub(crate) struct RowsAnswer {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) truncated: bool,
    /// The token of the next page.
    pub(crate) next: Option<String>,
    /// The address of the next page.
    pub(crate) link: Option<String>,
}

impl RowsRequest {
    /// Opens the snapshot of a question with filters: the newest one, or the versions that it names.
    ///
    /// # Errors
    /// If the client has the answer already, the format or a resource is not known, a version is gone, or the lake cannot
    /// be read.
    pub(crate) async fn prepare(app: &App, params: &RequestParams, question: Question<'_>) -> Result<Self, EarlyEnd> {
        let deadline = Instant::now() + app.limits.timeout;
        let mut timing = ServerTiming::begin();
        let Question { parameters, filters, canonical_text, version } = question;
        let answer_format = choose_format(parameters.single("format"), &params.headers)?;
        let options = WriterOptions { cells: parse_cells(parameters.single(CELLS.name))?, has_geometry: true };
        let context = match version {
            Some(version) => app.open_context_at(version).await?,
            None => app.open_context().await?,
        };
        filters.check_resources(&context.snapshot.resource_names())?;
        timing.step("open");
        let resources = filters.resources.included.clone();
        let text = format!("{canonical_text} {options:?}");
        let tag = match params.method {
            Method::POST => None,
            _ => Some(AnswerTag::for_question(&context, &resources, &text, answer_format.name)?),
        };
        if let Some(tag) = tag.as_ref().filter(|tag| tag.matches(&params.headers)) {
            return Err(EarlyEnd::NotModified(Box::new(tag.not_modified(&context.snapshot, &resources)?)));
        }
        let warnings = run_until(deadline, app.labels.warnings(&context, filters)).await?;
        for warning in &warnings {
            // It holds text of the client, which is logged where requests are.
            tracing::info!(target: ACCESS, "{warning}");
        }
        let file_name = parameters.path().trim_start_matches('/').to_owned();
        Ok(Self { context, deadline, answer_format, resources, file_name, options, warnings, tag, timing })
    }

    /// Opens the newest snapshot for a query over any tables; `name` is that of a file of the answer.
    ///
    /// # Errors
    /// If the format or the form of cells is not known, or the lake cannot be read.
    pub(crate) async fn prepare_query(
        app: &App,
        params: &RequestParams,
        name: &str,
        format: Option<&str>,
        cells: Option<&str>,
    ) -> Result<Self, Problem> {
        let deadline = Instant::now() + app.limits.timeout;
        let mut timing = ServerTiming::begin();
        let answer_format = choose_format(format, &params.headers)?;
        let context = run_until(deadline, app.open_context()).await?;
        let options = WriterOptions { cells: parse_cells(cells)?, ..WriterOptions::default() };
        timing.step("open");
        let file_name = name.rsplit('/').next().unwrap_or(name).to_owned();
        let (resources, warnings) = (Vec::new(), Vec::new());
        Ok(Self { context, deadline, answer_format, resources, file_name, options, warnings, tag: None, timing })
    }

    /// Runs the work of the request until its deadline.
    ///
    /// # Errors
    /// The error of the work, or that its time is over.
    pub(crate) async fn run<T, E: From<Error>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        run_until(self.deadline, work).await
    }

    /// Tags the answer of a query, which these texts distinguish from others.
    ///
    /// # Errors
    /// If the client has the answer already.
    pub(crate) fn tag(&mut self, params: &RequestParams, texts: &[&str]) -> Result<(), EarlyEnd> {
        self.timing.step("plan");
        let tag = AnswerTag::for_query(&self.context, texts, self.answer_format.name)?;
        if tag.matches(&params.headers) {
            return Err(EarlyEnd::NotModified(Box::new(tag.not_modified(&self.context.snapshot, &self.resources)?)));
        }
        self.tag = Some(tag);
        Ok(())
    }

    /// Returns the format of the answer.
    pub(crate) fn format(&self) -> Format {
        self.answer_format.format
    }

    /// Returns the response with these rows.
    ///
    /// # Errors
    /// If the format cannot hold a column.
    pub(crate) fn respond(self, answer: RowsAnswer) -> Result<Response, Problem> {
        let batches = futures::stream::iter(answer.batches.into_iter().map(Ok::<_, DataFusionError>)).boxed();
        let mut response = self.build_response(&answer.schema, batches, answer.truncated, answer.next.as_deref())?;
        if let Some(link) = answer.link.and_then(|link| HeaderValue::from_str(&format!("<{link}>; rel=\"next\"")).ok())
        {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }

    /// Returns the response with rows that are sent as the engine makes them.
    ///
    /// # Errors
    /// If the format cannot hold a column.
    pub(crate) fn respond_with_stream(self, rows: OrderedRows) -> Result<Response, Problem> {
        self.build_response(&rows.schema, rows.batches, rows.truncated, None)
    }

    fn build_response(
        mut self,
        schema: &SchemaRef,
        batches: Batches,
        truncated: bool,
        next: Option<&str>,
    ) -> Result<Response, Problem> {
        self.timing.step("answer");
        let failed: fn(DataFusionError) -> Error = plan_error;
        let batches = self.context.keep(batches);
        let mut response =
            stream_rows(schema, batches, self.answer_format.format, self.options, self.deadline, failed)?
                .into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.answer_format.content_type));
        if let Some(ending) = self.answer_format.file_ending {
            let named = HeaderValue::from_str(&format!("attachment; filename=\"{}.{ending}\"", self.file_name));
            headers.insert(header::CONTENT_DISPOSITION, named.or_err(Kind::Internal, || "the name of a file")?);
        }
        for warning in &self.warnings {
            headers.append("lake-warning", encode_warning(warning)?);
        }
        if let Some(tag) = &self.tag {
            tag.insert_into(headers);
        }
        insert_lake_headers(headers, &self.context.snapshot, &self.resources)?;
        headers.insert("lake-truncated", bool_header(truncated));
        if let Some(next) = next {
            headers.insert("lake-next", HeaderValue::from_str(next).or_err(Kind::Internal, || "the next page")?);
        }
        self.timing.insert_into(headers);
        Ok(response)
    }
}

/// Parses the form of cells that a request names.
fn parse_cells(form: Option<&str>) -> Result<Cells, ParameterError> {
    let form = form.unwrap_or("text");
    form.parse().map_err(|_| unknown_value(CELLS.name, form, Cells::NAMES.iter().copied()))
}
