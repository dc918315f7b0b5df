//! The portal over HTTP.

mod answer;
mod data;
mod faulty;
mod views;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::errors;
use crate::log::Request;
use crate::portal::Portal;
use crate::stamp;
use answer::Answer;

/// A portal being served. Dropping it stops the server.
#[derive(Debug)]
pub struct Serving {
    /// The address it listens on, with the real port if 0 was requested.
    pub addr: SocketAddr,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Serving {
    /// Returns the base URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Stops listening and waits for answers under way, though not for long.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            let abort = task.abort_handle();
            if tokio::time::timeout(Duration::from_secs(2), task).await.is_err() {
                abort.abort();
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Portal {
    /// Serves the portal on that address until the returned guard is stopped or dropped.
    pub async fn serve(&self, addr: SocketAddr) -> io::Result<Serving> {
        serve(self.clone(), addr).await
    }
}

#[derive(Clone)]
struct Served {
    portal: Portal,
    stop: CancellationToken,
}

async fn serve(portal: Portal, addr: SocketAddr) -> io::Result<Serving> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let stop = CancellationToken::new();
    let router = Router::new().fallback(handle).with_state(Served { portal, stop: stop.clone() });
    let stopped = stop.clone().cancelled_owned();
    let task = tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
            tracing::warn!(%error, "the demo portal stopped serving");
        }
    });
    Ok(Serving { addr, stop, task: Some(task) })
}

/// Where a path leads.
enum Route<'p> {
    Data(&'p str),
    View(&'p str),
    Unknown,
}

fn route(path: &str) -> Route<'_> {
    let id = |prefix: &str| {
        path.strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(".json"))
            .filter(|id| !id.is_empty() && !id.contains('/'))
    };
    if let Some(id) = id("/resource/").or_else(|| id("/api/id/")) {
        Route::Data(id)
    } else if let Some(id) = id("/api/views/") {
        Route::View(id)
    } else {
        Route::Unknown
    }
}

async fn handle(State(served): State<Served>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let query: Vec<(String, String)> = url::form_urlencoded::parse(uri.query().unwrap_or("").as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let in_query = query.iter().find(|(name, _)| name == "$$app_token").map(|(_, token)| token.clone());
    let token = header("x-app-token").or(in_query);
    let portal = &served.portal;
    let settings = portal.settings();
    let known = match (&settings.token, &token) {
        (Some(known), Some(sent)) => known == sent,
        _ => true,
    };
    let mut answer = if method != Method::GET && method != Method::HEAD {
        Answer::error(405, &errors::status(405))
    } else if !known {
        Answer::error(403, &errors::invalid_token())
    } else {
        match route(uri.path()) {
            Route::Data(id) => {
                let ask = data::DataRequest {
                    id: id.to_owned(),
                    query: query.clone(),
                    unless_modified: header("if-modified-since"),
                    head: method == Method::HEAD,
                };
                data::answer(&served, ask).await
            }
            Route::View(id) => views::answer(portal, id),
            Route::Unknown => Answer::error(404, &errors::status(404)),
        }
    };
    tracing::debug!(path = uri.path(), status = answer.status, rows = answer.rows, "answered");
    portal.record(Request { path: uri.path().to_owned(), query, token, status: answer.status, rows: answer.rows });
    if answer.is_page && method == Method::GET {
        let portal = portal.clone();
        // The hook is a test's code and may edit a great deal.
        if tokio::task::spawn_blocking(move || portal.page_served()).await.is_err() {
            tracing::warn!("the callback after a page failed");
        }
    }
    answer.set("date", stamp::http_date(portal.now_s()));
    let gzip = settings.gzip && header("accept-encoding").is_some_and(|accepted| accepted.contains("gzip"));
    answer.into_response(gzip, portal.next_serial())
}
