//! Rows written as JSON text in the order of their columns, without a map in between: a demo
//! city is built at every start.

use std::fmt::{Display, Write};

use crate::stamp;

/// A row's text and where its computed regions begin.
pub(crate) struct Rendered {
    pub(crate) json: Box<str>,
    pub(crate) plain_end: usize,
}

/// A row being written. Fields must come in the order of the columns, computed regions last.
pub(crate) struct Line {
    out: String,
    plain_end: Option<usize>,
}

impl Line {
    pub(crate) fn new(capacity: usize) -> Line {
        let mut out = String::with_capacity(capacity);
        out.push('{');
        Line { out, plain_end: None }
    }

    fn name(&mut self, name: &str) {
        if self.out.len() > 1 {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    /// Appends a string; of the characters in synthetic texts, only backslashes need escaping.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.push('"');
        for (number, part) in value.split('\\').enumerate() {
            if number > 0 {
                self.out.push_str("\\\\");
            }
            self.out.push_str(part);
        }
        self.out.push('"');
    }

    /// Appends a string that may be absent.
    pub(crate) fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Appends a number, which is a string too.
    pub(crate) fn number(&mut self, name: &str, value: impl Display) {
        self.name(name);
        // Writing into a string cannot fail.
        let _ = write!(self.out, "\"{value}\"");
    }

    /// Appends a date and time without a zone, if there is one.
    pub(crate) fn time(&mut self, name: &str, ms: Option<i64>) {
        if let Some(ms) = ms {
            self.name(name);
            self.out.push('"');
            self.out.push_str(&stamp::floating(ms));
            self.out.push('"');
        }
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out.push_str(if value { "true" } else { "false" });
    }

    /// Appends a GeoJSON point.
    pub(crate) fn point(&mut self, name: &str, lon: f64, lat: f64) {
        self.name(name);
        let _ = write!(self.out, "{{\"type\":\"Point\",\"coordinates\":[{lon},{lat}]}}");
    }

    /// Appends a legacy location, with its empty address inside a string.
    pub(crate) fn location(&mut self, name: &str, lon: &str, lat: &str) {
        self.name(name);
        let _ = write!(
            self.out,
            "{{\"latitude\":\"{lat}\",\"longitude\":\"{lon}\",\"human_address\":\"{{\\\"address\\\": \\\"\\\", \
             \\\"city\\\": \\\"\\\", \\\"state\\\": \\\"\\\", \\\"zip\\\": \\\"\\\"}}\"}}"
        );
    }

    /// Appends a link.
    pub(crate) fn url(&mut self, name: &str, url: &str) {
        self.name(name);
        let _ = write!(self.out, "{{\"url\":\"{url}\"}}");
    }

    /// Marks that computed regions follow.
    pub(crate) fn computed_regions_follow(&mut self) {
        self.plain_end = Some(self.out.len());
    }

    pub(crate) fn finish(mut self) -> Rendered {
        let plain_end = self.plain_end.unwrap_or(self.out.len());
        self.out.push('}');
        Rendered { json: self.out.into_boxed_str(), plain_end }
    }
}
