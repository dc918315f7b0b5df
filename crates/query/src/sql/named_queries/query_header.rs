//! The header of a query's file: the comments at its head, with its title, parameters and columns.

use arrow::datatypes::DataType;
use arrow::datatypes::TimeUnit;
use lake_model::{Error, Result, listed, nearest};
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::sql::parameter_value::value_from_text;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, EnumString, IntoStaticStr, VariantNames)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum ValueType {
    /// Any text.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A day: `2024-06-01`.
    Date,
    /// A time of the city's wall clock: `2024-06-01T12:30:00`.
    Timestamp,
}

/// A value that a query takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueryParameter {
    /// Its name: `$name` in the SQL.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ValueType,
    /// Whether it must be given.
    pub required: bool,
    /// The text of its default; null if there is none.
    pub default: Option<String>,
    /// Its meaning.
    pub about: String,
    /// Where it is declared.
    #[serde(skip)]
    pub(crate) line: usize,
}

/// A column of a query's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QueryColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ValueType,
    /// Its meaning.
    pub about: String,
    /// Where it is declared.
    #[serde(skip)]
    pub(crate) line: usize,
}

/// The content of a query's header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryHeader {
    /// The title of the query, a few words.
    pub title: String,
    /// The description of its rows.
    pub about: String,
    /// The values it takes.
    pub parameters: Vec<QueryParameter>,
    /// The columns of its rows; none if the file declares none.
    pub columns: Vec<QueryColumn>,
}

const KEYS: [&str; 4] = ["title", "about", "parameter", "column"];
/// The parameters of every query's request.
const RESERVED: [&str; 3] = ["cells", "format", "limit"];

impl ValueType {
    /// Returns its name in a header.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the engine's type of a value.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }

    /// Returns the type of values of an engine's type; `None` for those that have no name here.
    pub(crate) fn of(kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            kind if kind.is_integer() => Some(Self::Integer),
            kind if kind.is_numeric() => Some(Self::Number),
            DataType::Boolean => Some(Self::Boolean),
            DataType::Date32 | DataType::Date64 => Some(Self::Date),
            DataType::Timestamp(_, None) => Some(Self::Timestamp),
            _ => None,
        }
    }

    fn parse(text: &str) -> std::result::Result<Self, String> {
        text.parse().map_err(|_unknown| {
            let names = || Self::VARIANTS.iter().copied();
            let near = nearest(text, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            format!("`{text}` is not a type; {near}Expected {}", listed(names()))
        })
    }
}

impl QueryHeader {
    /// Reads the head of a query's file; `None` if it has no title, and so is not a named query.
    ///
    /// # Errors
    /// If the header is wrong; the text names the file and the line.
    pub fn parse(file: &str, text: &str) -> Result<Option<Self>> {
        let head =
            text.lines().map(str::trim).enumerate().take_while(|(_, line)| line.is_empty() || line.starts_with("--"));
        let entries: Vec<(usize, &str, &str)> =
            head.filter_map(|(at, line)| entry(line).map(|(k, v)| (at + 1, k, v))).collect();
        if !entries.iter().any(|(_, key, _)| *key == "title") {
            return Ok(None);
        }
        let mut header = Self { title: String::new(), about: String::new(), parameters: vec![], columns: vec![] };
        for (line, key, value) in entries {
            header.take(line, key, value).map_err(|wrong| Error::invalid(format!("{file}:{line}: {wrong}")))?;
        }
        Ok(Some(header))
    }

    fn take(&mut self, line: usize, key: &str, value: &str) -> std::result::Result<(), String> {
        match key {
            "title" if value.is_empty() => return Err("the title is empty".to_owned()),
            "title" if !self.title.is_empty() => return Err("there is a title already".to_owned()),
            "title" => value.clone_into(&mut self.title),
            "about" => {
                if !self.about.is_empty() {
                    self.about.push(' ');
                }
                self.about.push_str(value);
            }
            "parameter" => {
                let parameter = QueryParameter { line, ..parameter(value)? };
                if self.parameters.iter().any(|other| other.name == parameter.name) {
                    return Err(format!("there is a parameter `{}` already", parameter.name));
                }
                self.parameters.push(parameter);
            }
            "column" => {
                let (declared, about) = with_about(value);
                let (name, kind) = declared.split_once(' ').ok_or("write -- column: NAME TYPE  WHAT IT IS")?;
                let kind = ValueType::parse(kind.trim())?;
                if self.columns.iter().any(|other| other.name == name) {
                    return Err(format!("there is a column `{name}` already"));
                }
                self.columns.push(QueryColumn { name: name.to_owned(), kind, about, line });
            }
            other => {
                let near = nearest(other, KEYS).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                return Err(format!("`{other}` is not a key of a header; {near}Expected {}", listed(KEYS)));
            }
        }
        Ok(())
    }
}

/// Returns key and value of a line of a header; `None` for an ordinary comment.
fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim_start_matches('-').split_once(':')?;
    let key = key.trim();
    (!key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase())).then(|| (key, value.trim()))
}

/// Splits off the description, which follows two spaces.
fn with_about(value: &str) -> (&str, String) {
    let (declared, about) = value.split_once("  ").unwrap_or((value, ""));
    (declared.trim(), about.trim().to_owned())
}

fn parameter(value: &str) -> std::result::Result<QueryParameter, String> {
    const FORM: &str = "write -- parameter: NAME TYPE = DEFAULT  WHAT IT IS, without = DEFAULT if it must be given";
    let (declared, about) = with_about(value);
    let (declared, default) = match declared.split_once('=') {
        Some((declared, default)) => (declared.trim(), Some(default.trim())),
        None => (declared, None),
    };
    let (name, kind) = declared.split_once(' ').ok_or(FORM)?;
    let named = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !name.bytes().all(named) || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(format!("`{name}` is not a valid name of a parameter; write lower case letters, digits and _"));
    }
    if RESERVED.contains(&name) {
        return Err(format!("a parameter may not be called `{name}`: every request has one of that name"));
    }
    let kind = ValueType::parse(kind.trim())?;
    let given = default.filter(|text| *text != "null");
    if let Some(text) = given.filter(|text| value_from_text(text, &kind.data_type()).is_none()) {
        return Err(format!("the default of `{name}`, `{text}`, is not a valid {}", kind.name()));
    }
    // In a request an empty text means null; it does here, too.
    if given == Some("") {
        return Err(format!("the default of `{name}` is empty; write null"));
    }
    Ok(QueryParameter {
        name: name.to_owned(),
        kind,
        required: default.is_none(),
        default: given.map(str::to_owned),
        about,
        line: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
-- title: By month
-- about: How many,
-- about: when.
-- A comment for people.
-- parameter: resource text = null  The resource; all by default
-- parameter: since date  From when
-- parameter: top integer = 20
-- column: month timestamp  The month
-- column: count integer

SELECT 1
-- parameter: not_at_the_head text
";

    #[test]
    fn a_header_is_read_line_by_line() {
        let header = QueryHeader::parse("f.sql", FILE).expect("a header").expect("a title");
        assert_eq!((header.title.as_str(), header.about.as_str()), ("By month", "How many, when."));
        let declared: Vec<_> =
            header.parameters.iter().map(|p| (p.name.as_str(), p.required, p.default.as_deref())).collect();
        assert_eq!(declared, [("resource", false, None), ("since", true, None), ("top", false, Some("20"))]);
        assert_eq!(header.parameters[0].about, "The resource; all by default");
        assert_eq!(
            header.columns.iter().map(|c| (c.name.as_str(), c.line)).collect::<Vec<_>>(),
            [("month", 8), ("count", 9)]
        );
        assert!(QueryHeader::parse("f.sql", "-- Rows of ours.\nSELECT {x}").expect("no header").is_none());
    }

    #[test]
    fn a_wrong_header_is_reported_with_its_line_and_the_remedy() {
        for (wrong, says) in [
            ("-- title: a\n-- titel: b", "f.sql:2: `titel` is not a key of a header; did you mean `title`?"),
            ("-- title: a\n-- title: b", "f.sql:2: there is a title already"),
            ("-- title:", "f.sql:1: the title is empty"),
            ("-- title: a\n-- parameter: x", "f.sql:2: write -- parameter: NAME TYPE"),
            ("-- title: a\n\n-- parameter: x tekst", "f.sql:3: `tekst` is not a type; did you mean `text`?"),
            (
                "-- title: a\n-- parameter: x integer = many",
                "f.sql:2: the default of `x`, `many`, is not a valid integer",
            ),
            ("-- title: a\n-- parameter: limit integer", "f.sql:2: a parameter may not be called `limit`"),
            ("-- title: a\n-- parameter: Big text", "`Big` is not a valid name of a parameter"),
            ("-- title: a\n-- parameter: x text\n-- parameter: x text", "f.sql:3: there is a parameter `x` already"),
            ("-- title: a\n-- column: x", "f.sql:2: write -- column: NAME TYPE"),
        ] {
            let error = QueryHeader::parse("f.sql", wrong).expect_err(wrong).to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
