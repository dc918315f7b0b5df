//! Answers as functions of the version read and the question: their headers, and `304 Not Modified` (RFC 9110, 13).
//!
//! Whatever changes an answer changes its `ETag`, so nothing is ever stale and nothing needs to be purged.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lake_model::{Kind, Result, ResultExt};
use lake_query::LakeSnapshot;

use super::entity_tag::{ASK_AGAIN, if_none_match_tags, question_of, question_of_tag};
use super::lake_headers::insert_lake_headers;
use crate::app::RequestContext;

/// The name of an answer over `names` (all if empty): the same name, the same answer.
pub(crate) struct AnswerTag(HeaderValue);

impl AnswerTag {
    /// Returns the tag of the answer to a question in a format; equal questions have equal tags, however they were
    /// written.
    ///
    /// # Errors
    /// Never, as hexadecimal digits are a header.
    pub(crate) fn for_question(
        context: &RequestContext,
        names: &[String],
        question: &str,
        format: &str,
    ) -> Result<Self> {
        Self::for_lake(context, names, format, |part| part(question))
    }

    /// Returns the tag of the answer to a query over any tables, which these texts distinguish from others.
    ///
    /// # Errors
    /// Never, as hexadecimal digits are a header.
    pub(crate) fn for_query(context: &RequestContext, texts: &[&str], format: &str) -> Result<Self> {
        Self::for_lake(context, &[], format, |part| {
            texts.iter().for_each(|text| part(text));
            // The versions that the version of counts does not determine.
            part(&context.snapshot.rejects.version.to_string());
            if let Some(snapshot) = &context.snapshot.boundaries {
                part(&snapshot.version.to_string());
            }
            for (name, resource) in &context.snapshot.resources {
                part(name);
                part(&resource.raw.version.to_string());
            }
        })
    }

    /// Returns the tag of boundaries. Landing incidents does not change it: a map keeps its outlines.
    ///
    /// # Errors
    /// Never, as hexadecimal digits are a header.
    pub(crate) fn for_boundaries(context: &RequestContext, question: &str) -> Result<Self> {
        Self::from_parts(context, |part| {
            part("boundaries");
            if let Some(snapshot) = &context.snapshot.boundaries {
                part(&snapshot.table_id);
                part(&snapshot.version.to_string());
            }
            for set in context.snapshot.catalog.boundaries() {
                part(&set.name);
                set.resources.iter().for_each(|name| part(name));
            }
            part(question);
        })
    }

    fn for_lake(
        context: &RequestContext,
        names: &[String],
        format: &str,
        question: impl FnOnce(&mut dyn FnMut(&str)),
    ) -> Result<Self> {
        Self::from_parts(context, |part| {
            part(&context.snapshot.version());
            part(if context.snapshot.is_exact(names) { "exact" } else { "" });
            // Batches above the watermarks are read under the definitions of this snapshot.
            context.snapshot.fingerprints().iter().for_each(|fingerprint| part(fingerprint));
            part(format);
            question(part);
        })
    }

    fn from_parts(context: &RequestContext, parts: impl FnOnce(&mut dyn FnMut(&str))) -> Result<Self> {
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: &str| {
            hasher.update(&text.len().to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(env!("CARGO_PKG_VERSION"));
        part(context.reader.lake().id());
        parts(&mut part);
        let text = format!("W/\"{}\"", &hasher.finalize().to_hex()[..32]);
        Ok(Self(HeaderValue::from_str(&text).or_err(Kind::Internal, || "the name of an answer")?))
    }

    /// Returns whether the client has this answer (`If-None-Match`, weak comparison), in any representation.
    pub(crate) fn matches(&self, headers: &HeaderMap) -> bool {
        if_none_match_tags(headers).any(|tag| tag == "*" || question_of_tag(tag) == question_of(&self.0))
    }

    /// Returns the answer to a client that has it already: 304.
    ///
    /// # Errors
    /// If the versions read are no header.
    pub(crate) fn not_modified(&self, snapshot: &LakeSnapshot, names: &[String]) -> Result<Response> {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        self.insert_into(response.headers_mut());
        insert_lake_headers(response.headers_mut(), snapshot, names)?;
        Ok(response)
    }

    /// Puts the name among the headers.
    pub(crate) fn insert_into(&self, headers: &mut HeaderMap) {
        headers.insert(header::ETAG, self.0.clone());
        headers.insert(header::CACHE_CONTROL, ASK_AGAIN);
    }
}
