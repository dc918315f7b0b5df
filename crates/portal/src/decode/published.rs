//! A value as published.

use std::borrow::Cow;

/// A value as published: a piece of JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published<'a>(pub(crate) &'a str);

impl<'a> Published<'a> {
    /// Returns whether there is no value: null, or an empty text, which an export does not distinguish from it.
    pub(crate) fn is_null(self) -> bool {
        matches!(self.0, "null" | "\"\"")
    }

    /// Returns the text inside a JSON string, or the JSON itself for everything else.
    pub(crate) fn text(self) -> Cow<'a, str> {
        match self.0.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            None => Cow::Borrowed(self.0),
            Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
            Some(_) => match serde_json::from_str(self.0) {
                Ok(text) => Cow::Owned(text),
                // A lone surrogate is not text; its JSON is.
                Err(_) => Cow::Borrowed(self.0),
            },
        }
    }

    /// Returns whether the value is a JSON string.
    pub(crate) fn is_string(self) -> bool {
        self.0.starts_with('"')
    }
}
