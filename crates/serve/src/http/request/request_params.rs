//! What a request gives: its parameters, in its address and, with `POST`, as the members of a JSON object.

use lake_analytics::Parameters;
use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method};
use url::form_urlencoded;

use super::request_body::RequestBody;
use crate::app::App;
use crate::http::endpoint::Endpoint;
use crate::problem::Problem;

/// A request whose parameters may be in its body.
#[derive(Debug)]
pub(crate) struct RequestParams {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    path: String,
    query: String,
    body: Option<RequestBody>,
}

impl RequestParams {
    /// Returns the address that was asked, with another value of this parameter.
    pub(crate) fn address_with(&self, name: &str, value: &str) -> String {
        let others = form_urlencoded::parse(self.query.as_bytes()).filter(|(given, _)| given != name);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others).append_pair(name, value);
        format!("{}?{}", self.path, query.finish())
    }

    /// The parameters of an endpoint.
    ///
    /// # Errors
    /// One that it does not take, and the nearest that it does; a body that is no JSON object.
    pub(crate) fn parameters(&self, endpoint: &Endpoint) -> Result<Parameters, Problem> {
        let mut parameters = Parameters::from_query(endpoint.path, endpoint.parameters, &self.query)?;
        if let Some(RequestBody(body)) = &self.body {
            parameters.add_json(body)?;
        }
        Ok(parameters)
    }
}

impl FromRequest<Arc<App>> for RequestParams {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (method, headers) = (request.method().clone(), request.headers().clone());
        let path = request.uri().path().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let body = if method == Method::POST { Some(RequestBody::from_request(request, app).await?) } else { None };
        Ok(Self { method, headers, path, query, body })
    }
}
