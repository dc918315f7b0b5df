//! The parameters of a request: in its address and, with `POST`, as the members of a JSON object.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method};
use lake_analytics::Parameters;
use url::form_urlencoded;

use super::request_body::RequestBody;
use crate::app::App;
use crate::http::endpoint::Endpoint;
use crate::problem::Problem;

/// The part of a request that every handler with parameters takes.
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

    /// Returns the query of the address, without `?`.
    pub(crate) fn query(&self) -> &str {
        &self.query
    }

    /// Returns the body of a `POST`.
    pub(crate) fn body(&self) -> Option<&[u8]> {
        self.body.as_ref().map(|RequestBody(bytes)| &**bytes)
    }

    /// Parses the parameters in the address.
    ///
    /// # Errors
    /// If the endpoint does not take a parameter.
    pub(crate) fn parse_query(&self, endpoint: &Endpoint) -> Result<Parameters, Problem> {
        Ok(Parameters::from_query(endpoint.path, endpoint.parameters, &self.query)?)
    }

    /// Parses the parameters in the address and in the body.
    ///
    /// # Errors
    /// If the endpoint does not take a parameter, or the body is not a JSON object.
    pub(crate) fn parse(&self, endpoint: &Endpoint) -> Result<Parameters, Problem> {
        let mut parameters = self.parse_query(endpoint)?;
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
