//! A request for rows: what comes before they are made, and how they are sent.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use datafusion::error::DataFusionError;
use futures::StreamExt as _;
use lake_analytics::{CELLS, Filters, OrderedRows, ParameterError, Parameters, plan_error, unknown_value};
use lake_model::{Error, Kind, ResultExt};
use lake_query::{Cells, Format, WriterOptions};
use tokio::time::{Instant, timeout_at};

use super::negotiation::{AnswerFormat, choose_format};
use crate::app::{App, RequestContext};
use crate::http::layers::observe::ACCESS;
use crate::http::response::answer_tag::AnswerTag;
use crate::http::response::lake_headers::{bool_header, encode_warning, insert_lake_headers};
use crate::http::response::rows_body::{Batches, stream_rows};
use crate::http::response::server_timing::ServerTiming;
use crate::limits::timeout_error;
use crate::problem::Problem;

/// A request whose reading is open and whose answer the client does not have yet.
pub(crate) struct RowsRequest {
    pub(crate) context: RequestContext,
    pub(crate) deadline: Instant,
    answer_format: AnswerFormat,
    /// The resources asked for; all if empty.
    names: Vec<String>,
    /// What a file of the answer is named, without its ending.
    file: String,
    options: WriterOptions,
    /// What is told of filters that no incident fits.
    warnings: Vec<String>,
    /// None where the answer may not be kept.
    name: Option<AnswerTag>,
    timing: ServerTiming,
}

/// Rows that were made, whole.
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
    /// Opens a snapshot, of an earlier version where one is named, for a request that has these filters, and asks the
    /// `question` that tells its answer apart from others. The other side is the answer to a client that has it already.
    ///
    /// # Errors
    /// A format that is none, a resource that is none, a version that is gone, or a lake that cannot be read.
    pub(crate) async fn new(
        app: &App,
        parameters: &Parameters,
        filters: &Filters,
        question: &str,
        method: &Method,
        headers: &HeaderMap,
        version: Option<&str>,
    ) -> Result<Result<Self, Response>, Problem> {
        let deadline = Instant::now() + app.limits.timeout;
        let mut timing = ServerTiming::begin();
        let answer_format = choose_format(parameters.single("format"), headers)?;
        let options = WriterOptions { cells: cells(parameters.single(CELLS.name))?, has_geometry: true };
        let context = match version {
            Some(version) => app.open_context_at(version).await?,
            None => app.open_context().await?,
        };
        filters.check_resources(&app.resource_names(&context.view))?;
        timing.step("open");
        let names = filters.resources.included.clone();
        let name = match *method {
            Method::POST => None,
            _ => {
                Some(AnswerTag::for_question(&context, &names, &format!("{question} {options:?}"), answer_format.name)?)
            }
        };
        match &name {
            Some(name) if name.matches(headers) => Ok(Err(name.not_modified(&context.view, &names)?)),
            _ => {
                let warnings = timeout_at(deadline, app.labels.warnings(&context, filters)).await;
                let warnings = warnings.map_err(|_| timeout_error())??;
                for warning in &warnings {
                    // It holds text of the client, which is logged where requests are.
                    tracing::info!(target: ACCESS, "{warning}");
                }
                let file = parameters.path().trim_start_matches('/').to_owned();
                Ok(Ok(Self { context, deadline, answer_format, names, file, options, warnings, name, timing }))
            }
        }
    }

    /// Opens a snapshot of the newest versions for a query over any tables.
    ///
    /// # Errors
    /// A format that is none, or a lake that cannot be read.
    pub(crate) async fn open(
        app: &App,
        file: &str,
        format: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let deadline = Instant::now() + app.limits.timeout;
        let mut timing = ServerTiming::begin();
        let answer_format = choose_format(format, headers)?;
        let context = timeout_at(deadline, app.open_context()).await.map_err(|_| timeout_error())??;
        timing.step("open");
        let file = file.rsplit('/').next().unwrap_or(file).to_owned();
        let (names, options, warnings) = (Vec::new(), WriterOptions::default(), Vec::new());
        Ok(Self { context, deadline, answer_format, names, file, options, warnings, name: None, timing })
    }

    /// Writes cells in the form that the request names.
    ///
    /// # Errors
    /// A form that is none.
    pub(crate) fn with_cells(self, form: Option<&str>) -> Result<Self, Problem> {
        let options = WriterOptions { cells: cells(form)?, ..self.options };
        Ok(Self { options, ..self })
    }

    /// Names the answer by the texts that tell its question apart from others; it may then be kept. Some answer is that
    /// to a client that has it already.
    ///
    /// # Errors
    /// If the versions read are no header.
    pub(crate) fn name(&mut self, headers: &HeaderMap, texts: &[&str]) -> Result<Option<Response>, Problem> {
        self.timing.step("plan");
        let name = AnswerTag::for_query(&self.context, texts, self.answer_format.name)?;
        if name.matches(headers) {
            return Ok(Some(name.not_modified(&self.context.view, &self.names)?));
        }
        self.name = Some(name);
        Ok(None)
    }

    /// The format of the answer.
    pub(crate) fn format(&self) -> Format {
        self.answer_format.format
    }

    /// The answer, of rows that are held.
    ///
    /// # Errors
    /// If the format cannot hold a column.
    pub(crate) fn answer(self, made: RowsAnswer) -> Result<Response, Problem> {
        let batches = futures::stream::iter(made.batches.into_iter().map(Ok::<_, DataFusionError>)).boxed();
        let mut response = self.send(&made.schema, batches, made.truncated, made.next.as_deref())?;
        if let Some(link) = made.link.and_then(|link| HeaderValue::from_str(&format!("<{link}>; rel=\"next\"")).ok()) {
            response.headers_mut().insert(header::LINK, link);
        }
        Ok(response)
    }

    /// The answer, of rows as they are made.
    ///
    /// # Errors
    /// If the format cannot hold a column.
    pub(crate) fn stream(self, rows: OrderedRows) -> Result<Response, Problem> {
        self.send(&rows.schema, rows.batches, rows.truncated, None)
    }

    fn send(
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
            let named = HeaderValue::from_str(&format!("attachment; filename=\"{}.{ending}\"", self.file));
            headers.insert(header::CONTENT_DISPOSITION, named.or_err(Kind::Internal, || "the name of a file")?);
        }
        for warning in &self.warnings {
            headers.append("lake-warning", encode_warning(warning)?);
        }
        if let Some(name) = &self.name {
            name.insert_into(headers);
        }
        insert_lake_headers(headers, &self.context.view, &self.names)?;
        headers.insert("lake-truncated", bool_header(truncated));
        if let Some(next) = next {
            headers.insert("lake-next", HeaderValue::from_str(next).or_err(Kind::Internal, || "the next page")?);
        }
        self.timing.insert_into(headers);
        Ok(response)
    }
}

/// The form of cells that the request names.
fn cells(form: Option<&str>) -> Result<Cells, ParameterError> {
    let form = form.unwrap_or("text");
    form.parse().map_err(|_| unknown_value(CELLS.name, form, Cells::NAMES.iter().copied()))
}
