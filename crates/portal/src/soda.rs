//! The SODA client: one page at a time, tried again while trying again can help.
//!
//! Retried: 202, 408, 429, 5xx, time-outs, cut connections, bodies that are not JSON, answers of replicas that lag
//! behind. Never an answer that only looks like success.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use backon::{ExponentialBuilder, Retryable as _};
use bytes::Bytes;
use lake_model::{Error, Kind, Result, ResultExt, Secret};
use reqwest::header::{HeaderMap, HeaderValue, LAST_MODIFIED, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use serde_json::{Map, Value};

use crate::decode::{Decoder, Page};
use crate::scan::PageRequest;

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

/// A client of one dataset.
#[derive(Clone, Debug)]
pub struct Soda {
    client: Client,
    url: String,
    options: PortalOptions,
    /// Set once the portal has rejected the token: from then on it is left out.
    token_dropped: Arc<AtomicBool>,
    /// The newest `Last-Modified` that the portal has told, seconds since 1970 UTC; 0 if none.
    modified_s: Arc<AtomicU64>,
    /// The newest `X-SODA2-Secondary-Last-Modified` alike: of the replica that answers, not of the dataset.
    replica_modified_s: Arc<AtomicU64>,
    /// Whether two answers since [`Soda::watch`] told different ones.
    replicas_differ: Arc<AtomicBool>,
}

/// Why a try failed, and whether another may help.
#[derive(Debug)]
struct Failure {
    error: Error,
    again: bool,
    wait: Option<Duration>,
}

impl Failure {
    fn again(error: Error) -> Self {
        Self { error, again: true, wait: None }
    }

    fn last(error: Error) -> Self {
        Self { error, again: false, wait: None }
    }
}

impl Soda {
    /// A client of `dataset` at `portal`.
    ///
    /// # Errors
    /// If the HTTP client cannot be made.
    pub fn new(portal: &str, dataset: &str, options: PortalOptions) -> Result<Self> {
        let client = Client::builder()
            .user_agent(concat!("hotspots-lake/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(60))
            .timeout(Duration::from_secs(600))
            .build()
            .or_err(Kind::Internal, || "the HTTP client")?;
        let base = options.base_url.as_deref().unwrap_or(portal).trim_end_matches('/');
        let url = format!("{base}/resource/{dataset}.json");
        Ok(Self {
            client,
            url,
            options,
            token_dropped: Arc::default(),
            modified_s: Arc::default(),
            replica_modified_s: Arc::default(),
            replicas_differ: Arc::default(),
        })
    }

    /// Begins to watch whether all answers are of one state of the dataset.
    pub fn watch(&self) {
        self.modified_s.store(0, Ordering::Relaxed);
        self.replica_modified_s.store(0, Ordering::Relaxed);
        self.replicas_differ.store(false, Ordering::Relaxed);
    }

    /// Whether answers since [`Soda::watch`] were of several states of the dataset, as their `Last-Modified` says.
    pub fn replicas_differ(&self) -> bool {
        self.replicas_differ.load(Ordering::Relaxed)
    }

    /// When the portal last said that the dataset was modified, seconds since 1970 UTC.
    pub fn modified_s(&self) -> Option<u64> {
        Some(self.modified_s.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    /// When the replicas that answered last said that what they hold was modified, seconds since 1970 UTC.
    pub fn replica_modified_s(&self) -> Option<u64> {
        Some(self.replica_modified_s.load(Ordering::Relaxed)).filter(|seconds| *seconds > 0)
    }

    /// Fetches and decodes a page, in `(:updated_at, :id)` order.
    ///
    /// # Errors
    /// If the portal refuses the request, or does not answer usably within the retries and the budget.
    pub async fn page(&self, decoder: &Arc<Decoder>, request: &PageRequest<'_>) -> Result<Page> {
        let limit = request.limit.to_string();
        let select = request.select.unwrap_or(":*,*");
        let mut query = vec![("$select", select), ("$order", ":updated_at,:id"), ("$limit", limit.as_str())];
        query.extend(request.filter.map(|filter| ("$where", filter)));
        self.retried(&query, |body| {
            let decoder = Arc::clone(decoder);
            move || decoder.page(&body)
        })
        .await
    }

    /// The rows that a query answers with, each a JSON object: for counts and groups, whose answers are small.
    ///
    /// # Errors
    /// If the portal refuses the request, or does not answer usably within the retries and the budget.
    pub async fn rows(&self, query: &[(&str, &str)]) -> Result<Vec<Map<String, Value>>> {
        let url = &self.url;
        self.retried(query, |body| {
            let what = format!("{url}: the answer is no JSON array of objects");
            move || serde_json::from_slice(&body).or_err(Kind::Unavailable, || what)
        })
        .await
    }

    /// Asks until an answer can be used: `read` makes, of a body, the work that reads it.
    async fn retried<T, R>(&self, query: &[(&str, &str)], read: impl Fn(Bytes) -> R) -> Result<T>
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
        let fetched = (|| self.fetch(query, &read))
            .retry(backoff)
            .when(|failure| failure.again)
            .adjust(|failure, wait| {
                let wait = failure.wait.map_or(wait?, |asked| asked.max(wait.unwrap_or_default()));
                (begun.elapsed() + wait <= budget).then_some(wait)
            })
            .notify(|failure, wait| {
                tracing::warn!(error = %failure.error, wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX), "trying again");
            })
            .await;
        fetched.map_err(|failure| {
            let again = if failure.again { "; the portal was asked again in vain, try later" } else { "" };
            let message = format!("{}: {}{again}", self.url, failure.error);
            Error::new(failure.error.kind(), message)
        })
    }

    async fn fetch<T, R>(&self, query: &[(&str, &str)], read: &impl Fn(Bytes) -> R) -> Result<T, Failure>
    where
        T: Send + 'static,
        R: FnOnce() -> Result<T> + Send + 'static,
    {
        let work = read(self.get(query).await?);
        let done = tokio::task::spawn_blocking(work).await;
        done.or_err(Kind::Internal, || "reading an answer").map_err(Failure::last)?.map_err(Failure::again)
    }

    async fn get(&self, query: &[(&str, &str)]) -> Result<Bytes, Failure> {
        let mut request = self.client.get(&self.url).query(query);
        let token = self.options.token.as_ref().filter(|_| !self.token_dropped.load(Ordering::Relaxed));
        if let Some(token) = token {
            request = request.header("X-App-Token", token.expose());
        }
        let unreachable = |e: reqwest::Error| {
            Failure::again(Error::new(Kind::Unavailable, "the portal did not answer").with_source(e.without_url()))
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let headers = response.headers().clone();
        if status != StatusCode::OK {
            let body = response.bytes().await.unwrap_or_default();
            return Err(self.refusal(status, &headers, &body, token.is_some()));
        }
        if headers.get("X-SODA2-Data-Out-Of-Date").is_some_and(|v| v.as_bytes() == b"true") {
            let stale = "a replica that lags behind answered (X-SODA2-Data-Out-Of-Date: true)";
            return Err(Failure::again(Error::new(Kind::Unavailable, stale)));
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
        response.bytes().await.map_err(|e| {
            Failure::again(Error::new(Kind::Unavailable, "the connection was cut").with_source(e.without_url()))
        })
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], with_token: bool) -> Failure {
        // A message may quote every column of a view: what is shown is capped.
        let text: String = String::from_utf8_lossy(body).chars().take(400).collect();
        let said = format!("status {status}: {}", text.trim());
        match status.as_u16() {
            403 if with_token && text.contains("app_token") => {
                tracing::warn!("the portal rejects the app token; going on without it");
                self.token_dropped.store(true, Ordering::Relaxed);
                Failure::again(Error::new(Kind::Denied, said))
            }
            401 | 403 => Failure::last(Error::new(Kind::Denied, said)),
            404 => Failure::last(Error::new(Kind::NotFound, said)),
            202 | 408 | 429 | 500..=599 => {
                Failure { error: Error::new(Kind::Unavailable, said), again: true, wait: retry_after(headers) }
            }
            _ => Failure::last(Error::new(Kind::Invalid, said)),
        }
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => httpdate::parse_http_date(value).ok()?.duration_since(SystemTime::now()).ok(),
    }
}
