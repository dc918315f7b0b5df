//! The token of the next page: the version that was read, the question it belongs to, and the last row that was sent.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lake_analytics::Parameters;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// A parameter that may change from page to page is not part of the question.
const OUTSIDE_QUESTION: [&str; 5] = ["page", "limit", "format", "columns", "cells"];

/// A place in the order of incidents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageKey {
    /// Wall-clock microseconds.
    pub(crate) occurred_at: Option<i64>,
    pub(crate) resource: String,
    pub(crate) id: String,
}

/// Where the next page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageToken {
    /// The text of `Lake-Version`.
    pub(crate) version: String,
    /// The fingerprint of the filters.
    pub(crate) question: String,
    pub(crate) after: PageKey,
}

impl PageToken {
    /// Returns the fingerprint of the parameters that must not change from page to page.
    pub(crate) fn fingerprint(parameters: &Parameters) -> String {
        let mut hasher = blake3::Hasher::new();
        parameters.visit_texts(&OUTSIDE_QUESTION, &mut |text| {
            hasher.update(&text.len().to_le_bytes());
            hasher.update(text.as_bytes());
        });
        hasher.finalize().to_hex()[..16].to_owned()
    }

    /// Encodes the token.
    pub(crate) fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a token for the question with this fingerprint.
    ///
    /// # Errors
    /// A text that is not a token, or one of another question.
    pub(crate) fn decode(text: &str, question: &str) -> Result<Self, Problem> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let page: Self = serde_json::from_slice(&bytes).map_err(|_| {
            Problem::invalid_parameter(
                "page",
                "`page` is not the text of a Lake-Next header; leave it out for the first page",
            )
        })?;
        if page.question != question {
            let what = "`page` belongs to other filters; leave it out for the first page of these";
            return Err(Problem::invalid_parameter("page", what));
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_only_for_its_own_question() {
        let after = PageKey { occurred_at: None, resource: "a".to_owned(), id: "ü/+".to_owned() };
        let page =
            PageToken { version: "fast_counts=1,counts=2,incidents=2".to_owned(), question: "q".to_owned(), after };
        let text = page.encode();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(PageToken::decode(&text, "q"), Ok(page));
        for (text, question) in [(text.as_str(), "p"), ("", "q"), ("e30", "q"), ("!!", "q"), (&text[1..], "q")] {
            let problem = PageToken::decode(text, question).expect_err(text);
            assert_eq!(problem.parameter.as_deref(), Some("page"));
        }
    }
}
