//! Answers as functions of the version read and the question: their headers, and `304 Not Modified` (RFC 9110, 13).
//!
//! Whatever changes an answer changes its `ETag`, so nothing is ever stale and nothing needs to be purged.

use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use lake_model::{Kind, Result, ResultExt};
use lake_query::LakeSnapshot;

use crate::app::Reading;

/// What may be kept, as long as it is asked again each time: the answer is short where nothing has changed.
pub(crate) const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The name of an answer over `names` (all if empty): the same name, the same answer.
pub(crate) struct Name(HeaderValue);

impl Name {
    /// The name of the answer to a question, as it was understood, in a format.
    ///
    /// # Errors
    /// Never, as hexadecimal digits are a header.
    pub(crate) fn of(reading: &Reading, names: &[String], question: &str, format: &str) -> Result<Self> {
        Self::made(reading, names, format, |part| part(question))
    }

    /// The name of the answer to a query over any tables, which these texts tell apart from others.
    ///
    /// # Errors
    /// Never, as hexadecimal digits are a header.
    pub(crate) fn of_query(reading: &Reading, texts: &[&str], format: &str) -> Result<Self> {
        Self::made(reading, &[], format, |part| {
            texts.iter().for_each(|text| part(text));
            // What the version of counts does not tell.
            part(&reading.view.rejects.version.to_string());
            if let Some(snapshot) = &reading.view.boundaries {
                part(&snapshot.version.to_string());
            }
            for (name, resource) in &reading.view.resources {
                part(name);
                part(&resource.raw.version.to_string());
            }
        })
    }

    /// The name of boundaries. What lands of incidents does not change it: a map keeps its outlines.
    ///
    /// # Errors
    /// Never, as hexadecimal digits are a header.
    pub(crate) fn of_boundaries(reading: &Reading, question: &str) -> Result<Self> {
        Self::hashed(reading, |part| {
            part("boundaries");
            if let Some(snapshot) = &reading.view.boundaries {
                part(&snapshot.table_id);
                part(&snapshot.version.to_string());
            }
            for set in reading.view.catalog.boundaries() {
                part(&set.name);
                set.resources.iter().for_each(|name| part(name));
            }
            part(question);
        })
    }

    fn made(
        reading: &Reading,
        names: &[String],
        format: &str,
        question: impl FnOnce(&mut dyn FnMut(&str)),
    ) -> Result<Self> {
        Self::hashed(reading, |part| {
            part(&reading.view.version());
            part(if reading.view.is_exact(names) { "exact" } else { "" });
            // What is above the watermarks is read under the definitions of this reading.
            for resource in reading.view.catalog.iter() {
                part(&resource.fingerprint());
            }
            part(format);
            question(part);
        })
    }

    fn hashed(reading: &Reading, parts: impl FnOnce(&mut dyn FnMut(&str))) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&text.len().to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(env!("CARGO_PKG_VERSION"));
        part(reading.reader.lake().id());
        parts(&mut part);
        let text = format!("W/\"{}\"", &hasher.finalize().to_hex()[..32]);
        Ok(Self(HeaderValue::from_str(&text).or_err(Kind::Internal, || "the name of an answer")?))
    }

    /// Whether the client says that it has this answer (`If-None-Match`, weak comparison): any representation of it.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        tags(headers).any(|tag| tag == "*" || question_of_tag(tag) == question_of(&self.0))
    }

    /// The answer to a client that has it.
    ///
    /// # Errors
    /// If the versions read are no header.
    pub(crate) fn not_modified(&self, view: &LakeSnapshot, names: &[String]) -> Result<Response> {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        self.say(response.headers_mut());
        say_reading(response.headers_mut(), view, names)?;
        Ok(response)
    }

    /// Puts the name among the headers.
    pub(crate) fn say(&self, headers: &mut HeaderMap) {
        headers.insert(header::ETAG, self.0.clone());
        headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
    }
}

/// Returns the name of an answer in a tag: what comes before a hyphen is the name, and what comes after it tells the
/// bytes. Empty if the tag has no name.
pub(crate) fn question_of(tag: &HeaderValue) -> &str {
    tag.to_str().map(question_of_tag).unwrap_or_default()
}

fn question_of_tag(tag: &str) -> &str {
    let opaque = tag.trim_start_matches("W/").trim_matches('"');
    opaque.split_once('-').map_or(opaque, |(question, _)| question)
}

/// Returns the tag of an answer that the client says that it has.
pub(crate) fn tag_of_client(headers: &HeaderMap, question: &str) -> Option<HeaderValue> {
    let known = tags(headers).find(|tag| question_of_tag(tag) == question)?;
    HeaderValue::from_str(known).ok()
}

/// The tags of `If-None-Match`.
fn tags(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|text| text.split(',')).map(str::trim)
}

/// A warning as a header: what is not visible ASCII is percent-encoded.
///
/// # Errors
/// Never, as visible ASCII is a header.
pub(crate) fn warning_header(text: &str) -> Result<HeaderValue> {
    let mut ascii = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, ' '..='~') {
            ascii.push(letter);
        } else {
            let mut bytes = [0; 4];
            letter.encode_utf8(&mut bytes).bytes().for_each(|byte| ascii.push_str(&format!("%{byte:02X}")));
        }
    }
    HeaderValue::from_str(&ascii).or_err(Kind::Internal, || "a warning as a header")
}

/// A yes or no as a header.
pub(crate) fn flag(value: bool) -> HeaderValue {
    HeaderValue::from_static(if value { "true" } else { "false" })
}

/// Puts what was read for an answer over `names` (all if empty) among the headers: its versions, whether it is exact, as
/// of when, and whether any of it is synthetic.
///
/// # Errors
/// If the versions read are no header.
pub(crate) fn say_reading(headers: &mut HeaderMap, view: &LakeSnapshot, names: &[String]) -> Result<()> {
    let text = |text: &str| HeaderValue::from_str(text).or_err(Kind::Internal, || "a version as a header");
    headers.insert("lake-version", text(&view.version())?);
    headers.insert("lake-exact", flag(view.is_exact(names)));
    if let Some(time) = view.as_of_ms().and_then(DateTime::from_timestamp_millis) {
        headers.insert("lake-as-of", text(&time.to_rfc3339_opts(SecondsFormat::Millis, true))?);
    }
    let mut read = view.resources.iter().filter(|(name, _)| names.is_empty() || names.contains(name));
    if read.any(|(_, resource)| resource.mark.synthetic) {
        headers.insert("lake-synthetic", flag(true));
    }
    // The answer differs by what the client takes.
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    Ok(())
}

/// How long the steps of an answer took, for `Server-Timing`.
pub(crate) struct Timing {
    last: Instant,
    steps: Vec<(&'static str, Duration)>,
}

impl Timing {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        Self { last: Instant::now(), steps: Vec::new() }
    }

    /// Ends a step.
    pub(crate) fn step(&mut self, name: &'static str) {
        let now = Instant::now();
        self.steps.push((name, now - self.last));
        self.last = now;
    }

    /// Puts the steps among the headers.
    pub(crate) fn say(&self, headers: &mut HeaderMap) {
        let steps = self.steps.iter().map(|(name, took)| format!("{name};dur={:.1}", took.as_secs_f64() * 1_000.0));
        if let Ok(value) = HeaderValue::from_str(&steps.collect::<Vec<_>>().join(", ")) {
            headers.insert(HeaderName::from_static("server-timing"), value);
        }
    }
}
