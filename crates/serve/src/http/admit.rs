//! Who may ask over HTTP: the gate of [`crate::access`], before every path but those that are open.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Peer;
use super::endpoint::{API, ASSETS, HEALTHZ, ICON, LICENSES, METRICS, PAGE, PROBLEMS, READYZ};
use crate::access::{Busy, Client, Permit, Scope};
use crate::app::App;
use crate::problem::Problem;

/// What is told to everybody, and counted for nobody: it says nothing of the lake.
const OPEN: [&str; 8] = [PAGE, ASSETS, ICON, LICENSES, API, HEALTHZ, READYZ, PROBLEMS];

/// A request that was let in, until its answer has been sent.
#[derive(Debug)]
pub(crate) struct Admitted {
    client: Client,
    /// None where requests are not counted.
    _permit: Option<Permit>,
}

impl Admitted {
    /// Who asks.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

/// Lets a request in, or says why not.
pub(crate) async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if OPEN.contains(&path) {
        return next.run(request).await;
    }
    match admitted(&app, path, &request) {
        Err(refusal) => refusal,
        Ok(admitted) => {
            let mut response = next.run(request).await;
            // The permit lasts as long as the answer.
            response.extensions_mut().insert(Arc::new(admitted));
            response
        }
    }
}

#[expect(clippy::result_large_err, reason = "the error is the answer")]
fn admitted(app: &App, path: &str, request: &Request) -> Result<Admitted, Response> {
    let headers = request.headers();
    let busy = |busy: Busy| {
        app.metrics.refused(busy.cause);
        Problem::from(busy).into_response()
    };
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|peer| peer.0.0.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let address = app.access.address(peer, texts(headers, "x-forwarded-for"));
    let authorization = texts(headers, header::AUTHORIZATION.as_str()).next();
    let client = app.access.client(authorization, address).map_err(|error| {
        app.metrics.refused("token");
        app.access.charge(address).map_err(busy).err().unwrap_or_else(|| unknown(error, authorization.is_some()))
    })?;
    let needed = if path == METRICS { Scope::Admin } else { Scope::Read };
    client.check(needed).map_err(|error| {
        app.metrics.refused("scope");
        Problem::from(error).into_response()
    })?;
    // Whoever watches the server must see it when it is busy.
    let permit = if path == METRICS { None } else { Some(app.access.admit(&client).map_err(busy)?) };
    Ok(Admitted { client, _permit: permit })
}

fn texts<'a>(headers: &'a HeaderMap, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

/// The answer to a request without a token that is known (RFC 6750, 3).
fn unknown(error: lake_model::Error, shown: bool) -> Response {
    let mut response = Problem::from(error).into_response();
    if shown {
        let challenge = HeaderValue::from_static("Bearer realm=\"hotspots-lake\", error=\"invalid_token\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
