//! A collected answer, and the part of it that a request is sent.

use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use lake_model::{Kind, Result, ResultExt as _};

use super::answer_memory::Reservation;
use super::conditions::{self, Outcome};
use super::range::{Selection, select};
use crate::http::response::entity_tag::{ASK_AGAIN, question_of};
use crate::problem::Problem;

pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// The bytes of an answer are held, and sent, in blocks of this size.
const BLOCK_BYTES: usize = 64 << 10;

/// The bytes of an answer.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    full: Vec<Bytes>,
    last: Vec<u8>,
    length: usize,
}

impl Blocks {
    /// Appends bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len();
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.last.len()));
            self.last.extend_from_slice(now);
            bytes = later;
            if self.last.len() == BLOCK_BYTES {
                self.full.push(std::mem::take(&mut self.last).into());
            }
        }
    }

    /// Returns its length in bytes.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Returns the bytes, none of the parts empty.
    pub(super) fn into_parts(self) -> Vec<Bytes> {
        let mut parts = self.full;
        if !self.last.is_empty() {
            parts.push(self.last.into_boxed_slice().into());
        }
        parts
    }
}

/// A request, as far as it chooses what of an answer is sent.
#[derive(Debug)]
pub(super) struct RequestHead {
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
}

/// An answer that was collected completely.
#[derive(Debug)]
pub(super) struct Collected {
    headers: HeaderMap,
    parts: Vec<Bytes>,
    length: usize,
    tag: HeaderValue,
    /// How long its steps took.
    timing: Option<HeaderValue>,
    /// When the request came that it was made for.
    began: Instant,
    reservation: Reservation,
}

impl Collected {
    /// Creates an answer to `GET` with a strong tag: that of its question, if it has one, and of its bytes.
    ///
    /// # Errors
    /// Never, as hexadecimal digits are a header.
    pub(super) fn new(
        mut headers: HeaderMap,
        blocks: Blocks,
        began: Instant,
        reservation: Reservation,
    ) -> Result<Self> {
        let length = blocks.length();
        let parts = blocks.into_parts();
        let mut hasher = blake3::Hasher::new();
        for part in &parts {
            hasher.update(part);
        }
        let digest = hasher.finalize().to_hex();
        let question = headers.get(header::ETAG).map(question_of).unwrap_or_default();
        let tag = format!("\"{question}-{}\"", &digest[..32]);
        let tag = HeaderValue::from_str(&tag).or_err(Kind::Internal, || "the tag of an answer")?;
        headers.insert(header::ETAG, tag.clone());
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.entry(header::CACHE_CONTROL).or_insert(ASK_AGAIN);
        headers.remove(header::CONTENT_LENGTH);
        let timing = headers.remove(SERVER_TIMING);
        Ok(Self { headers, parts, length, tag, timing, began, reservation })
    }

    /// Returns the durations of its steps, for the request that it was made for.
    pub(super) fn timing(&self) -> Option<HeaderValue> {
        self.timing.clone()
    }

    /// Returns its strong tag.
    pub(super) fn tag(&self) -> &HeaderValue {
        &self.tag
    }

    /// Returns the tag of its question over the versions that were read; empty if its question does not determine it.
    pub(super) fn question(&self) -> &str {
        question_of(&self.tag)
    }

    /// Returns the client that it was made for.
    pub(super) fn client(&self) -> &Arc<str> {
        self.reservation.client()
    }

    /// Returns whether it is what an answer of the same question would be, or at least as new.
    pub(super) fn is_as_good_as(&self, other: &Self) -> bool {
        if self.question().is_empty() { self.began >= other.began } else { self.question() == other.question() }
    }

    /// Returns the answer to a request that was posted: it has no tag and no ranges, as no address names it.
    pub(super) fn respond_to_post(self: &Arc<Self>) -> Response {
        let mut response = self.head(StatusCode::OK, self.body(0..self.length));
        for name in [header::ETAG, header::ACCEPT_RANGES, header::CACHE_CONTROL] {
            response.headers_mut().remove(name);
        }
        if let Some(timing) = self.timing() {
            response.headers_mut().insert(SERVER_TIMING, timing);
        }
        response
    }

    /// Returns what a request is sent of it; ranges only if `has_parts`.
    pub(super) fn respond(self: &Arc<Self>, request: &RequestHead, has_parts: bool) -> Response {
        match conditions::check(&request.headers, &self.tag) {
            Outcome::Proceed => {}
            Outcome::NotModified => return self.head(StatusCode::NOT_MODIFIED, Body::empty()),
            Outcome::Failed => {
                let tag = String::from_utf8_lossy(self.tag.as_bytes());
                let what = format!("the answer is not the one that `If-Match` names; its tag is now {tag}");
                return Problem::precondition_failed(what).into_response();
            }
        }
        if request.method == Method::HEAD {
            let mut response = self.head(StatusCode::OK, Body::empty());
            response.headers_mut().insert(header::CONTENT_LENGTH, self.length.into());
            return response;
        }
        let has_parts = has_parts && conditions::allow_range(&request.headers, &self.tag);
        match if has_parts { select(&request.headers, self.length) } else { Selection::Whole } {
            Selection::Whole => self.head(StatusCode::OK, self.body(0..self.length)),
            Selection::Part(part) => {
                let range = format!("bytes {}-{}/{}", part.start, part.end - 1, self.length);
                let mut response = self.head(StatusCode::PARTIAL_CONTENT, self.body(part));
                insert_content_range(&mut response, &range);
                response
            }
            Selection::Unsatisfiable => {
                let what = format!("`Range` begins beyond the end of the answer, which has {} bytes", self.length);
                let mut response = Problem::range_not_satisfiable(what).into_response();
                insert_content_range(&mut response, &format!("bytes */{}", self.length));
                response.headers_mut().insert(header::ETAG, self.tag.clone());
                response
            }
        }
    }

    fn head(&self, status: StatusCode, body: Body) -> Response {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = self.headers.clone();
        if status == StatusCode::NOT_MODIFIED {
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        response
    }

    fn body(self: &Arc<Self>, range: Range<usize>) -> Body {
        Body::new(CollectedBody { answer: Arc::clone(self), range })
    }
}

fn insert_content_range(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
}

/// Some of the bytes of an answer, a block at a time as the client takes them.
struct CollectedBody {
    answer: Arc<Collected>,
    /// The part that is still to be sent.
    range: Range<usize>,
}

impl HttpBody for CollectedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        // Every part but the last has the size of a block.
        let Some(part) = this.answer.parts.get(this.range.start / BLOCK_BYTES).filter(|_| !this.range.is_empty())
        else {
            return Poll::Ready(None);
        };
        let begin = this.range.start % BLOCK_BYTES;
        let bytes = part.slice(begin..part.len().min(begin + this.range.len()));
        this.range.start += bytes.len();
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.range.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.range.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::http::collected::answer_memory::AnswerMemory;

    fn collected(length: usize) -> (Arc<Collected>, Vec<u8>) {
        let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n * 7 % 251).expect("a byte")).collect();
        let mut blocks = Blocks::default();
        bytes.chunks(1_000).for_each(|chunk| blocks.push(chunk));
        let reservation = AnswerMemory::default().reserve("a".into());
        let answer = Collected::new(HeaderMap::new(), blocks, Instant::now(), reservation).expect("an answer");
        (Arc::new(answer), bytes)
    }

    fn request(method: Method, range: &str) -> RequestHead {
        let value = HeaderValue::from_str(range).expect("a header");
        RequestHead { method, headers: HeaderMap::from_iter([(header::RANGE, value)]) }
    }

    fn read(body: Body) -> Vec<u8> {
        block_on(axum::body::to_bytes(body, usize::MAX)).expect("a body").to_vec()
    }

    #[test]
    fn every_range_has_the_bytes_that_it_names() {
        for length in [1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES] {
            let (answer, bytes) = collected(length);
            let edges = [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES, length - 1];
            for first in edges.into_iter().filter(|edge| *edge < length) {
                for last in edges.into_iter().filter(|edge| (first..length).contains(edge)) {
                    let response = answer.respond(&request(Method::GET, &format!("bytes={first}-{last}")), true);
                    let range = format!("bytes {first}-{last}/{length}");
                    assert_eq!(response.headers()[header::CONTENT_RANGE], range.as_str());
                    assert_eq!(response.body().size_hint().exact(), Some((last - first + 1) as u64));
                    assert!(read(response.into_body()) == bytes[first..=last], "{range}");
                }
            }
            let whole = answer.respond(&request(Method::GET, "bytes=0-0,1-1"), true);
            assert_eq!(whole.status(), StatusCode::OK);
            assert!(read(whole.into_body()) == bytes, "{length}");
        }
    }

    #[test]
    fn a_head_tells_the_length_and_ignores_ranges() {
        let (answer, _) = collected(100);
        let head = answer.respond(&request(Method::HEAD, "bytes=0-9"), true);
        assert_eq!((head.status(), &head.headers()[header::CONTENT_LENGTH]), (StatusCode::OK, &100.into()));
        assert!(read(head.into_body()).is_empty());
    }

    #[test]
    fn other_bytes_have_another_tag() {
        let ((one, _), (same, _), (other, _)) = (collected(100), collected(100), collected(101));
        assert_eq!(one.tag(), same.tag());
        assert_ne!(one.tag(), other.tag());
        assert!(!one.tag().as_bytes().starts_with(b"W/"));
    }
}
