//! The name of a request, which its answer, its problem and every log line of it carry.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tokio::task_local;
use uuid::Uuid;

/// The header that names a request, both ways.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A longer name is not taken over.
const MAX_ID_CHARS: usize = 64;

task_local! {
    static CURRENT: RequestId;
}

/// A request's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// Returns the client's own id of the request, if it consists of letters, digits, `.`, `-` and `_`; else a new one.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let sane = |text: &&str| {
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
            !text.is_empty() && text.len() <= MAX_ID_CHARS && text.chars().all(allowed)
        };
        let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
        Self(given.map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned))
    }

    /// Returns the id of the request that the running task answers.
    pub(crate) fn current() -> Option<String> {
        CURRENT.try_with(|id| id.0.clone()).ok()
    }

    /// Runs the work of the request.
    pub(crate) async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self, work).await
    }

    /// Returns the id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the id as a header.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(text: &'static str) -> RequestId {
        RequestId::from_headers(&HeaderMap::from_iter([(X_REQUEST_ID, HeaderValue::from_static(text))]))
    }

    #[test]
    fn a_sane_name_is_kept_and_another_is_replaced() {
        assert_eq!(id_of("a.B-3_x").as_str(), "a.B-3_x");
        for text in ["", "a b", "a\"b", "x=1;DROP", &"x".repeat(65)] {
            let id = RequestId::from_headers(&HeaderMap::from_iter([(
                X_REQUEST_ID,
                HeaderValue::from_str(text).expect("text"),
            )]));
            assert_eq!(id.as_str().len(), 32, "{text}");
        }
        assert_ne!(id_of(""), id_of(""));
    }

    #[tokio::test]
    async fn the_name_is_known_within_the_request_alone() {
        assert_eq!(id_of("one").scope(async { RequestId::current() }).await.as_deref(), Some("one"));
        assert_eq!(RequestId::current(), None);
    }
}
