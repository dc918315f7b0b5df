//! The parameters of a request, from a query string, a JSON body or the command line: names and texts; their values are
//! parsed elsewhere.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lake_model::{listed, nearest, parse_unambiguous_json};
use serde_json::Value;
use url::form_urlencoded;

use crate::error::ParameterError;

/// How often and in which form a parameter is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Once.
    One,
    /// Any number of times; an array in JSON.
    Many,
    /// Once, numbers between commas; an array of numbers in JSON.
    Numbers,
    /// Once, JSON text; an object in JSON.
    Object,
}

/// The values that a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueKind {
    /// Any text.
    Text,
    /// An integer from the first to the last.
    Integer(i64, i64),
    /// A number above 0, at most this one.
    Proportion(f64),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
}

/// The definition of a parameter: how it is parsed and documented.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, in a query as in a body.
    pub name: &'static str,
    /// How it may be given.
    pub shape: Shape,
    /// Its accepted values.
    pub values: ValueKind,
    /// Its meaning, for documentation.
    pub about: &'static str,
}

impl Parameter {
    /// Returns a parameter that takes any text.
    pub const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        Self { name, shape, values: ValueKind::Text, about }
    }

    /// Returns the other name of a parameter that excludes values: `not_category` for `category!`, which is an identifier in
    /// any language.
    pub fn alias(&self) -> Option<String> {
        self.name.strip_suffix('!').map(|name| format!("not_{name}"))
    }

    /// Returns a parameter that takes these values.
    pub const fn with_values(name: &'static str, shape: Shape, values: ValueKind, about: &'static str) -> Self {
        Self { name, shape, values, about }
    }
}

/// A name and a text of a query string.
pub type QueryPair<'q> = (Cow<'q, str>, Cow<'q, str>);

/// Returns the names and texts of a query string (without `?`).
///
/// # Errors
/// A name or a text that is not UTF-8: it would be read as another one.
pub fn decode_query(query: &str) -> Result<Vec<QueryPair<'_>>, ParameterError> {
    let mut pairs = Vec::new();
    for part in query.split('&') {
        for (name, text) in form_urlencoded::parse(part.as_bytes()) {
            // Bytes that are not UTF-8 are decoded as replacement characters: more of them than the part has.
            let sent = part.to_ascii_uppercase().matches("%EF%BF%BD").count() + part.matches('\u{fffd}').count();
            if name.matches('\u{fffd}').count() + text.matches('\u{fffd}').count() > sent {
                let what = format!("`{part}` is not UTF-8 text with percent signs: expected `%C3%A9` for \u{e9}");
                return Err(ParameterError::new(&name, what));
            }
            pairs.push((name, text));
        }
    }
    Ok(pairs)
}

/// The table of the parameters that an endpoint or a command takes.
pub type ParameterTable = &'static [Parameter];

/// The parameters of one request, each with its texts.
#[derive(Debug)]
pub struct Parameters {
    path: &'static str,
    accepted: ParameterTable,
    texts: BTreeMap<&'static str, Vec<String>>,
}

impl Parameters {
    /// Returns the parameters of a query string (without `?`) to `path`, which takes the `accepted` ones.
    ///
    /// # Errors
    /// An unknown parameter, a repeated one that may be given once, or a text that is not UTF-8.
    pub fn from_query(path: &'static str, accepted: ParameterTable, query: &str) -> Result<Self, ParameterError> {
        Self::from_pairs(path, accepted, decode_query(query)?)
    }

    /// Returns the parameters of names and texts to `path`, which takes the `accepted` ones.
    ///
    /// # Errors
    /// An unknown parameter, or a repeated one that may be given once.
    pub fn from_pairs<'a>(
        path: &'static str,
        accepted: ParameterTable,
        pairs: impl IntoIterator<Item = QueryPair<'a>>,
    ) -> Result<Self, ParameterError> {
        let mut parameters = Self { path, accepted, texts: BTreeMap::new() };
        for (name, text) in pairs {
            let (name, shape) = parameters.find(&name)?;
            parameters.push(name, shape, text.into_owned())?;
        }
        Ok(parameters)
    }

    /// Adds the members of a JSON object.
    ///
    /// # Errors
    /// A body that is not a JSON object, an unknown member, or one of another shape.
    pub fn add_json(&mut self, body: &[u8]) -> Result<(), ParameterError> {
        let what = "the body must be a JSON object with the parameters as its members";
        let value = std::str::from_utf8(body).map_err(|error| error.to_string());
        let value = value.and_then(|text| parse_unambiguous_json(text).map_err(|error| error.to_string()));
        let value = value.map_err(|error| ParameterError::of_request(format!("{what}: {error}")))?;
        let Value::Object(members) = value else {
            return Err(ParameterError::of_request(what));
        };
        for (name, value) in members {
            let (name, shape) = self.find(&name)?;
            self.push_json(name, shape, value)?;
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Result<(&'static str, Shape), ParameterError> {
        if let Some(found) =
            self.accepted.iter().find(|known| known.name == name || known.alias().as_deref() == Some(name))
        {
            return Ok((found.name, found.shape));
        }
        let names = || self.accepted.iter().map(|known| known.name);
        let takes = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`? Expected"),
            None => "expected".to_owned(),
        };
        let detail = format!("`{name}` is not a parameter of {}: {takes} {}", self.path, listed(names()));
        Err(ParameterError::new(name, detail))
    }

    fn push(&mut self, name: &'static str, shape: Shape, text: String) -> Result<(), ParameterError> {
        let texts = self.texts.entry(name).or_default();
        if shape != Shape::Many && !texts.is_empty() {
            return Err(ParameterError::new(name, format!("`{name}` is given twice; it may be given once")));
        }
        texts.push(text);
        Ok(())
    }

    fn push_json(&mut self, name: &'static str, shape: Shape, value: Value) -> Result<(), ParameterError> {
        match (value, shape) {
            (Value::Null, _) => Ok(()),
            (Value::String(text), _) => self.push(name, shape, text),
            (Value::Bool(flag), Shape::One) => self.push(name, shape, flag.to_string()),
            (Value::Number(number), Shape::One | Shape::Many) => self.push(name, shape, number.to_string()),
            (Value::Object(object), Shape::Object) => self.push(name, shape, Value::Object(object).to_string()),
            (Value::Array(items), Shape::Many | Shape::Numbers) => {
                let mut texts = Vec::with_capacity(items.len());
                for item in items {
                    match item {
                        Value::String(text) => texts.push(text),
                        Value::Number(number) => texts.push(number.to_string()),
                        Value::Null if shape == Shape::Many => texts.push(String::new()),
                        other => {
                            return Err(ParameterError::new(
                                name,
                                format!("`{other}` in `{name}` is neither text nor number"),
                            ));
                        }
                    }
                }
                match shape {
                    Shape::Many => self.texts.entry(name).or_default().extend(texts),
                    _ => self.push(name, shape, texts.join(","))?,
                }
                Ok(())
            }
            (_, shape) => {
                let may = match shape {
                    Shape::One => "one text or number",
                    Shape::Many => "a text, a number or an array of them",
                    Shape::Numbers => "an array of numbers",
                    Shape::Object => "an object",
                };
                Err(ParameterError::new(name, format!("`{name}` is {may}")))
            }
        }
    }

    /// Returns the requested path.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// Returns the text of a parameter that is given at most once.
    pub fn single(&self, name: &str) -> Option<&str> {
        self.texts.get(name)?.first().map(String::as_str)
    }

    /// Calls `part` with the name and the texts of every parameter but those `left_out`, in an order that does not depend on
    /// the request.
    pub fn visit_texts(&self, left_out: &[&str], part: &mut dyn FnMut(&str)) {
        for (name, texts) in self.texts.iter().filter(|(name, _)| !left_out.contains(name)) {
            part(name);
            texts.iter().for_each(|text| part(text));
        }
    }

    /// Returns the texts of a parameter; `None` if it is not given.
    pub fn all(&self, name: &str) -> Option<&[String]> {
        self.texts.get(name).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKES: ParameterTable = &[
        Parameter::new("resource", Shape::Many, ""),
        Parameter::new("limit", Shape::One, ""),
        Parameter::new("bbox", Shape::Numbers, ""),
        Parameter::new("polygon", Shape::Object, ""),
    ];

    fn query(text: &str) -> Result<Parameters, ParameterError> {
        Parameters::from_query("/aggregates", TAKES, text)
    }

    fn json(text: &str) -> Result<Parameters, ParameterError> {
        let mut parameters = query("")?;
        parameters.add_json(text.as_bytes())?;
        Ok(parameters)
    }

    #[test]
    fn a_query_and_a_body_say_the_same() {
        let texts = |p: Parameters| p.texts;
        let by_query = query("resource=a%2Cb&resource=c+d&limit=5&bbox=1,2,3,4.5").expect("parameters");
        let by_body = json(r#"{"resource": ["a,b", "c d"], "limit": 5, "bbox": [1, 2, 3, 4.5]}"#).expect("parameters");
        assert_eq!(texts(by_query), texts(by_body));
        assert_eq!(
            json(r#"{"polygon": {"type": "Polygon"}}"#).expect("one").single("polygon"),
            Some(r#"{"type":"Polygon"}"#)
        );
        assert_eq!(json(r#"{"limit": null}"#).expect("none").single("limit"), None);
        assert_eq!(json(r#"{"resource": []}"#).expect("none").all("resource"), Some(&[][..]));
    }

    #[test]
    fn a_text_that_is_not_utf_8_is_rejected_and_not_replaced() {
        for wrong in
            ["resource=%ff", "resource=a&resource=caf%E9", "limit=5&resource=%EF%BF%BD%ff", "resource=%E0%EF%BF%BD"]
        {
            let error = query(wrong).expect_err(wrong);
            assert_eq!(error.parameter.as_deref(), Some("resource"), "{wrong}");
            assert!(error.message.contains("is not UTF-8"), "{wrong}: {}", error.message);
        }
        assert!(query("%ff=1").expect_err("a name").message.contains("`%ff=1` is not UTF-8"));
        for (right, text) in
            [("resource=caf%C3%A9", "caf\u{e9}"), ("resource=%ef%bf%bd", "\u{fffd}"), ("resource=%25ff", "%ff")]
        {
            assert_eq!(query(right).expect(right).single("resource"), Some(text), "{right}");
        }
    }

    #[test]
    fn an_unknown_parameter_finds_its_neighbour_and_hears_what_there_is() {
        let error = query("limmit=5").expect_err("unknown");
        assert_eq!(error.parameter.as_deref(), Some("limmit"));
        assert!(error.message.contains("did you mean `limit`?"), "{}", error.message);
        assert!(error.message.contains("`bbox` or `polygon`"), "{}", error.message);
    }

    #[test]
    fn what_is_single_is_given_once_and_in_its_shape() {
        for wrong in [query("limit=1&limit=2"), json(r#"{"limit": [1]}"#), json(r#"{"limit": {"a": 1}}"#)] {
            assert_eq!(wrong.expect_err("wrong").parameter.as_deref(), Some("limit"));
        }
        let twice = json(r#"{"resource": "a", "limit": 1, "resource": "b"}"#).expect_err("given twice");
        assert!(twice.message.contains("the member `resource` is given twice"), "{}", twice.message);
        for wrong in ["", "[]", "{", "7"] {
            assert!(json(wrong).expect_err(wrong).message.contains("JSON object"));
        }
    }
}
