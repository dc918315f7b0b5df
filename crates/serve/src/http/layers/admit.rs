//! Access over HTTP: the gate of [`crate::access`], before every path but those that are open.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::access::{Busy, Client, Permit, Scope};
use crate::app::App;
use crate::http::connection::socket::Peer;
use crate::http::endpoint::{API, ASSETS, HEALTHZ, ICON, LICENSES, METRICS, PAGE, PROBLEMS, READYZ};
use crate::problem::Problem;

/// Paths that every client may read, and that count for none: they reveal nothing of the lake.
const OPEN_PATHS: [&str; 8] = [PAGE, ASSETS, ICON, LICENSES, API, HEALTHZ, READYZ, PROBLEMS];

/// The client, until the answer has been sent, whatever it is.
#[derive(Debug)]
pub(crate) struct AdmittedClient {
    client: Client,
    /// `None` if requests are not counted, or the client was rejected.
    _permit: Option<Permit>,
}

impl AdmittedClient {
    /// Returns the client.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

/// Admits a request, or rejects it with the reason.
pub(crate) async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    if OPEN_PATHS.contains(&path) {
        return next.run(request).await;
    }
    let (client, admitted) = authenticate(&app, path, &request);
    let (mut response, permit) = match admitted {
        Ok(permit) => (client.scope(next.run(request)).await, permit),
        Err(refusal) => (refusal, None),
    };
    // The permit lasts as long as the answer.
    response.extensions_mut().insert(Arc::new(AdmittedClient { client, _permit: permit }));
    response
}

/// Returns the client, as far as it is known, and its permits.
fn authenticate(app: &App, path: &str, request: &Request) -> (Client, Result<Option<Permit>, Response>) {
    let headers = request.headers();
    let busy = |busy: Busy| {
        app.metrics.add_refusal(busy.cause);
        Problem::from(busy).into_response()
    };
    let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip());
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let address = app.access.address(peer, header_texts(headers, "x-forwarded-for"));
    let authorization = header_texts(headers, header::AUTHORIZATION.as_str()).next();
    let client = match app.access.client(authorization, address) {
        Ok(client) => client,
        Err(error) => {
            app.metrics.add_refusal("token");
            let charged = app.access.charge(address).map_err(busy).err();
            let refusal = charged.unwrap_or_else(|| reject_token(error, authorization.is_some()));
            return (Client::anonymous(address), Err(refusal));
        }
    };
    let needed = if path == METRICS { Scope::Admin } else { Scope::Read };
    if let Err(error) = client.check(needed) {
        app.metrics.add_refusal("scope");
        return (client, Err(Problem::from(error).into_response()));
    }
    // Monitoring must reach the server when it is busy.
    let permit = if path == METRICS { Ok(None) } else { app.access.admit(&client).map(Some).map_err(busy) };
    (client, permit)
}

fn header_texts<'a>(headers: &'a HeaderMap, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

/// Returns the answer to a request without a valid token (RFC 6750, 3).
fn reject_token(error: lake_model::Error, shown: bool) -> Response {
    let mut response = Problem::from(error).into_response();
    if shown {
        let challenge = HeaderValue::from_static("Bearer realm=\"hotspots-lake\", error=\"invalid_token\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
