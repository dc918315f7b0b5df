//! The SODA client: one page at a time, tried again while trying again can help.
//!
//! Retried: 202, 408, 429, 5xx, time-outs, cut connections, bodies that are not JSON, answers of replicas that lag
//! behind. Never an answer that only looks like success.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use lake_model::{Error, Kind, Result, ResultExt, Secret, one_line, parse_json, parse_portal_url};
use reqwest::header::{HeaderMap, HeaderValue, LAST_MODIFIED, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Map, Value};

use crate::decode::decoder::Decoder;
use crate::decode::page::Page;
use crate::soda::http_client::{build_client, build_token_header, refused_redirect};
use crate::soda::response_body::{MAX_ANSWER_BYTES, MAX_PAGE_BYTES, read_body, read_error_body};
use crate::soda::stamps::{latest_local_stamp, latest_stamp};

/// The most characters of a portal's own words that are shown: a message may quote every column of a view.
const MAX_SHOWN_CHARS: usize = 400;
/// How often it is logged that an answer is still waited for.
const WAITING_NOTICE: Duration = Duration::from_secs(10);

/// How to speak to a portal.
#[derive(Clone, Debug)]
pub struct PortalOptions {
    /// The app token, if there is one.
    pub token: Option<Secret>,
    /// Every request goes to this base URL instead of the resource's own.
    pub base_url: Option<String>,
    /// Tries after the first.
    pub retries: usize,
    /// The first wait; it doubles, with jitter.
    pub first_wait_ms: u64,
    /// All waits of one page together.
    pub budget_ms: u64,
}

impl Default for PortalOptions {
    fn default() -> Self {
        Self { token: None, base_url: None, retries: 8, first_wait_ms: 500, budget_ms: 300_000 }
    }
}

/// The request for one page.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest<'a> {
    /// The selected columns of each row, as SoQL; all if none.
    pub select: Option<&'a str>,
    /// Which rows, as SoQL; all if none.
    pub filter: Option<&'a str>,
    /// How many rows at most.
    pub limit: usize,
}

/// A client of one dataset.
#[derive(Clone, Debug)]
pub struct SodaClient {
    /// The resource whose rows it requests, for log lines.
    resource: String,
    client: Client,
    url: String,
    options: PortalOptions,
    /// The app token as it is sent.
    token: Option<HeaderValue>,
    /// Set once the portal has rejected the token: from then on it is left out.
    token_dropped: Arc<AtomicBool>,
    /// The newest `Last-Modified` that the portal has sent, seconds since 1970 UTC; 0 if none.
    modified_s: Arc<AtomicU64>,
    /// The newest `X-SODA2-Secondary-Last-Modified` alike: of the replica that answers, not of the dataset.
    replica_modified_s: Arc<AtomicU64>,
    /// Whether two answers since [`SodaClient::watch_replicas`] had different ones.
    replicas_differ: Arc<AtomicBool>,
    /// The latest stamp that can be true, by the last answer's `Date`; microseconds since 1970 UTC, 0 before the first.
    latest_stamp: Arc<AtomicI64>,
}

/// Why a try failed, and whether another may help.
#[derive(Debug)]
struct Failure {
    error: Error,
    retryable: bool,
    wait: Option<Duration>,
}

impl Failure {
    fn retryable(error: Error) -> Self {
        Self { error, retryable: true, wait: None }
    }

    fn permanent(error: Error) -> Self {
        Self { error, retryable: false, wait: None }
    }
}

impl SodaClient {
    /// Returns a client of `dataset` at `portal`, which requests the rows of `resource`.
    ///
    /// # Errors
    /// If the portal's address is not one, or the HTTP client cannot be made.
    pub fn new(resource: &str, portal: &str, dataset: &str, options: PortalOptions) -> Result<Self> {
        let base = parse_portal_url(options.base_url.as_deref().unwrap_or(portal)).map_err(Error::invalid)?;
        Ok(Self {
            resource: resource.to_owned(),
            client: build_client(&base)?,
            url: format!("{}/resource/{dataset}.json", base.as_str().trim_end_matches('/')),
            token: build_token_header(&base, options.token.as_ref()),
            options,
            token_dropped: Arc::default(),
            modified_s: Arc::default(),
            replica_modified_s: Arc::default(),
            replicas_differ: Arc::default(),
            latest_stamp: Arc::default(),
        })
    }

    /// Returns the latest `:updated_at` that can be true: the portal's present as of its last answer, with a margin.
    pub fn latest_stamp(&self) -> i64 {
        match self.latest_stamp.load(Ordering::Relaxed) {
            0 => latest_local_stamp(),
            told => told,
        }
    }

    /// Begins to watch whether all answers are of one state of the dataset.
    pub fn watch_replicas(&self) {
        self.modified_s.store(0, Ordering::Relaxed);
        self.replica_modified_s.store(0, Ordering::Relaxed);
        self.replicas_differ.store(false, Ordering::Relaxed);
    }

    /// Returns whether answers since [`SodaClient::watch_replicas`] were of several states of the dataset, by their
    /// `Last-Modified`.
    pub fn replicas_differ(&self) -> bool {
        self.replicas_differ.load(Ordering::Relaxed)
    }

    /// Returns the portal's last time of modification of the dataset, seconds since 1970 UTC.
    pub fn modified_s(&self) -> Option<u64> {
        Some(self.modified_s.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    /// Returns the time of modification of the data that the last replicas reported, seconds since 1970 UTC.
    pub fn replica_modified_s(&self) -> Option<u64> {
        Some(self.replica_modified_s.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    /// Fetches and decodes a page, in `(:updated_at, :id)` order.
    ///
    /// # Errors
    /// If the portal refuses the request, or does not answer usably within the retries and the budget.
    pub async fn fetch_page(&self, decoder: &Arc<Decoder>, request: &PageRequest<'_>) -> Result<Page> {
        let limit = request.limit.to_string();
        let select = request.select.unwrap_or(":*,*");
        let mut query = vec![("$select", select), ("$order", ":updated_at,:id"), ("$limit", limit.as_str())];
        query.extend(request.filter.map(|filter| ("$where", filter)));
        self.fetch_with_retries(&query, MAX_PAGE_BYTES, |body, latest_stamp| {
            let decoder = Arc::clone(decoder);
            move || decoder.page_as_of(&body, latest_stamp)
        })
        .await
    }

    /// Returns the rows that a query answers with, each a JSON object: for counts and groups, whose answers are small.
    ///
    /// # Errors
    /// If the portal refuses the request, or does not answer usably within the retries and the budget.
    pub async fn fetch_rows(&self, query: &[(&str, &str)]) -> Result<Vec<Map<String, Value>>> {
        let url = &self.url;
        self.fetch_with_retries(query, MAX_ANSWER_BYTES, |body, _| {
            let what = format!("{url}: the answer is not a JSON array of objects");
            move || {
                let text = std::str::from_utf8(&body).or_err(Kind::Unavailable, || what.clone())?;
                let rows = parse_json(text).and_then(serde_json::from_value);
                rows.or_err(Kind::Unavailable, || what)
            }
        })
        .await
    }

    /// Asks until an answer can be used: `read` makes, of a body of at most `max_bytes` and the latest stamp that can
    /// be true in it, the work that reads it.
    async fn fetch_with_retries<T, R>(
        &self,
        query: &[(&str, &str)],
        max_bytes: usize,
        read: impl Fn(Bytes, i64) -> R,
    ) -> Result<T>
    where
        T: Send + 'static,
        R: FnOnce() -> Result<T> + Send + 'static,
    {
        let begun = Instant::now();
        let budget = Duration::from_millis(self.options.budget_ms);
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(self.options.first_wait_ms))
            .with_max_delay(Duration::from_secs(60))
            .with_max_times(self.options.retries)
            .with_jitter();
        let attempts = AtomicUsize::new(0);
        let fetched = (|| {
            attempts.fetch_add(1, Ordering::Relaxed);
            self.fetch(query, max_bytes, &read)
        })
        .retry(backoff)
        .when(|failure| failure.retryable)
        .adjust(|failure, wait| {
            let wait = failure.wait.map_or(wait?, |asked| asked.max(wait.unwrap_or_default()));
            (begun.elapsed() + wait <= budget).then_some(wait)
        })
        .notify(|failure, wait| {
            let (attempt, most) = (attempts.load(Ordering::Relaxed), self.options.retries + 1);
            let (resource, error, wait_ms) = (&self.resource, &failure.error, wait.as_millis());
            tracing::warn!("{resource}: attempt {attempt} of {most} failed, trying again in {wait_ms} ms: {error}");
        })
        .await;
        fetched.map_err(|failure| {
            let attempts = attempts.load(Ordering::Relaxed);
            let remedy = match (failure.retryable, attempts) {
                (false, _) => String::new(),
                (true, 1) => "; try later".to_owned(),
                (true, _) => format!("; all {attempts} requests failed, try later"),
            };
            let message = format!("{}: {}{remedy}", self.url, failure.error);
            Error::new(failure.error.kind(), message)
        })
    }

    async fn fetch<T, R>(
        &self,
        query: &[(&str, &str)],
        max_bytes: usize,
        read: &impl Fn(Bytes, i64) -> R,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        R: FnOnce() -> Result<T> + Send + 'static,
    {
        let answer = self.get(query, max_bytes);
        tokio::pin!(answer);
        let (body, latest_stamp) = loop {
            match tokio::time::timeout(WAITING_NOTICE, &mut answer).await {
                Ok(answer) => break answer?,
                Err(_) => tracing::info!("{}: still waiting for {}", self.resource, self.url),
            }
        };
        let done = tokio::task::spawn_blocking(read(body, latest_stamp)).await;
        done.or_err(Kind::Internal, || "reading an answer").map_err(Failure::permanent)?.map_err(Failure::retryable)
    }

    /// Asks once: the body of a usable answer, and the latest stamp that can be true in it.
    async fn get(&self, query: &[(&str, &str)], max_bytes: usize) -> Result<(Bytes, i64), Failure> {
        let mut request = self.client.get(&self.url).query(query);
        let token = self.token.as_ref().filter(|_| !self.token_dropped.load(Ordering::Relaxed));
        if let Some(token) = token {
            request = request.header("X-App-Token", token.clone());
        }
        let unreachable = |e: reqwest::Error| {
            Failure::retryable(Error::new(Kind::Unavailable, "the portal did not answer").with_source(e.without_url()))
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_redirection() && response.headers().contains_key(LOCATION) {
            let error = refused_redirect(response.url(), response.headers());
            let is_permanent = matches!(status, StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT);
            return Err(if is_permanent { Failure::permanent(error) } else { Failure::retryable(error) });
        }
        if status != StatusCode::OK {
            let headers = response.headers().clone();
            let body = read_error_body(response).await;
            return Err(self.classify_refusal(status, &headers, &body, token.is_some()));
        }
        let latest_stamp = latest_stamp(response.headers());
        self.record_headers(&response).map_err(Failure::retryable)?;
        self.latest_stamp.store(latest_stamp, Ordering::Relaxed);
        let body = read_body(response, max_bytes).await.map_err(Failure::retryable)?;
        Ok((body, latest_stamp))
    }

    /// Remembers which state of the dataset an answer is of.
    fn record_headers(&self, response: &Response) -> Result<()> {
        let headers = response.headers();
        if headers.get("X-SODA2-Data-Out-Of-Date").is_some_and(|v| v.as_bytes() == b"true") {
            let stale = "a replica that lags behind answered (X-SODA2-Data-Out-Of-Date: true)";
            return Err(Error::new(Kind::Unavailable, stale));
        }
        let told_s = |value: Option<&HeaderValue>| {
            let at = httpdate::parse_http_date(value?.to_str().ok()?).ok()?;
            Some(at.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs())
        };
        let replica_s = told_s(headers.get("X-SODA2-Secondary-Last-Modified"));
        if let Some(seconds) = replica_s.or_else(|| told_s(headers.get(LAST_MODIFIED))) {
            let before = self.modified_s.swap(seconds, Ordering::Relaxed);
            if before != 0 && before != seconds {
                self.replicas_differ.store(true, Ordering::Relaxed);
            }
        }
        if let Some(seconds) = replica_s {
            self.replica_modified_s.store(seconds, Ordering::Relaxed);
        }
        Ok(())
    }

    fn classify_refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], with_token: bool) -> Failure {
        let text = one_line(&String::from_utf8_lossy(body), MAX_SHOWN_CHARS);
        let said = match text.as_str() {
            "" => format!("status {status}"),
            text => format!("status {status}: {text}"),
        };
        match status.as_u16() {
            403 if with_token && text.contains("app_token") => {
                tracing::warn!("the portal rejects the app token; going on without it");
                self.token_dropped.store(true, Ordering::Relaxed);
                Failure::retryable(Error::new(Kind::Denied, said))
            }
            401 | 403 => Failure::permanent(Error::new(Kind::Denied, said)),
            404 => Failure::permanent(Error::new(Kind::NotFound, said)),
            202 | 408 | 429 | 500..=599 => {
                Failure { error: Error::new(Kind::Unavailable, said), retryable: true, wait: retry_after(headers) }
            }
            _ => Failure::permanent(Error::new(Kind::Invalid, said)),
        }
    }
}

/// Parses `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok(),
    }
}
