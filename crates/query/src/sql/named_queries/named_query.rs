//! A query with a name: a file of SQL whose header declares its parameters and columns.

use std::collections::HashSet;

use arrow::datatypes::Schema;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use lake_model::{Error, Kind, Result, listed, nearest};

use crate::engine::Session;
use crate::error::engine_error;
use crate::sql::named_queries::query_header::{QueryColumn, QueryHeader, QueryParameter, ValueType};
use crate::sql::parameter_value::value_from_text;
use crate::sql::statement::Statement;

/// A query that is requested by its name.
#[derive(Clone, Debug)]
pub struct NamedQuery {
    name: String,
    file: String,
    header: QueryHeader,
    text: String,
}

impl NamedQuery {
    /// Reads a query's file; `None` if it has no title.
    ///
    /// # Errors
    /// If its header is wrong; the text names the file and the line.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Option<Self>> {
        let header = QueryHeader::parse(file, text)?;
        Ok(header.map(|header| Self { name: name.to_owned(), file: file.to_owned(), header, text: text.to_owned() }))
    }

    /// Returns its name: the path of its file, without the extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns its title, a few words.
    pub fn title(&self) -> &str {
        &self.header.title
    }

    /// Returns the description of its rows.
    pub fn about(&self) -> &str {
        &self.header.about
    }

    /// Returns its parameters.
    pub fn parameters(&self) -> &[QueryParameter] {
        &self.header.parameters
    }

    /// Returns the columns of its rows; none if its file declares none.
    pub fn columns(&self) -> &[QueryColumn] {
        &self.header.columns
    }

    /// Returns the complete text of its file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Parses a text as the value of a parameter. An empty one is null.
    ///
    /// # Errors
    /// If there is no such parameter, or the text is not a value of its type.
    pub fn value(&self, name: &str, text: &str) -> Result<ScalarValue> {
        let Some(parameter) = self.header.parameters.iter().find(|parameter| parameter.name == name) else {
            let names = || self.header.parameters.iter().map(|parameter| parameter.name.as_str());
            let near = nearest(name, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            let takes =
                format!("`{name}` is not a parameter of query {}; {near}It takes {}", self.name, listed(names()));
            return Err(Error::invalid(takes));
        };
        let value =
            if text.is_empty() { null(parameter.kind) } else { value_from_text(text, &parameter.kind.data_type()) };
        value.ok_or_else(|| {
            let example = match parameter.kind {
                ValueType::Date => ", such as 2024-06-01",
                ValueType::Timestamp => ", such as 2024-06-01T12:30: the city's wall clock, without an offset",
                ValueType::Boolean => "; it is true or false",
                ValueType::Text | ValueType::Integer | ValueType::Number => "",
            };
            Error::invalid(format!("`{text}` is not a valid {} for `{name}`{example}", parameter.kind.name()))
        })
    }

    /// Returns the values of all its parameters: the given ones, by name and text, and the defaults of the others.
    ///
    /// # Errors
    /// If one is unknown, given twice, no value of its type, or not given though it must be.
    pub fn values<'a>(&self, given: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<ParamValues> {
        let mut values = Vec::new();
        let mut known = HashSet::new();
        for (name, text) in given {
            let value = self.value(name, text)?;
            if !known.insert(name) {
                return Err(Error::invalid(format!("`{name}` is given twice; it may be given once")));
            }
            values.push((name.to_owned(), value));
        }
        for parameter in self.header.parameters.iter().filter(|parameter| !known.contains(parameter.name.as_str())) {
            if parameter.required {
                let wanted = format!("query {} needs a value for `{}`", self.name, parameter.name);
                return Err(Error::invalid(format!("{wanted} ({})", parameter.kind.name())));
            }
            values.push((
                parameter.name.clone(),
                self.value(&parameter.name, parameter.default.as_deref().unwrap_or(""))?,
            ));
        }
        Ok(ParamValues::from(values))
    }

    /// Plans it; its values are yet to be bound.
    ///
    /// # Errors
    /// If its SQL is wrong over this session's tables; the text names the file and the position.
    pub async fn prepare(&self, session: &Session) -> Result<Statement> {
        session.prepare(&self.text).await.map_err(|error| self.with_place(error))
    }

    /// Fails unless it can be run over this session's tables, and has the parameters and columns that its header
    /// declares.
    ///
    /// # Errors
    /// The error, with its position.
    pub async fn check(&self, session: &Session) -> Result<()> {
        let wrong = |line: usize, text: String| Error::invalid(format!("{}:{line}: {text}", self.file));
        let statement = self.prepare(session).await?;
        let declared: HashSet<&str> = self.header.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let used: HashSet<&str> = statement.parameters().iter().map(|(name, _)| name.as_str()).collect();
        if let Some(name) = used.difference(&declared).min() {
            let place = Token::Placeholder(format!("${name}"));
            let text = format!("${name} is not declared; add -- parameter: {name} TYPE to the header");
            return Err(wrong(self.line(|token| *token == place), text));
        }
        if let Some(unused) = self.header.parameters.iter().find(|parameter| !used.contains(parameter.name.as_str())) {
            let name = &unused.name;
            return Err(wrong(
                unused.line,
                format!("the parameter `{name}` is declared, but ${name} is not in the SQL"),
            ));
        }
        let values = self.header.parameters.iter().map(|parameter| {
            let value = match &parameter.default {
                Some(text) => self.value(&parameter.name, text)?,
                None => null(parameter.kind).ok_or_else(|| Error::internal("a null of a type"))?,
            };
            Ok((parameter.name.clone(), value))
        });
        let values = ParamValues::from(values.collect::<Result<Vec<_>>>()?);
        let frame = statement.bind(values).map_err(|error| self.with_place(error))?;
        let plan = frame.create_physical_plan().await.map_err(|error| self.with_place(engine_error(error)))?;
        self.check_columns(&plan.schema())
    }

    /// Returns the error with its file, and the line where its SQL begins if it has no position of its own.
    fn with_place(&self, error: Error) -> Error {
        if error.message().starts_with("line ") {
            return error.context(&self.file);
        }
        let line = self.line(|token| !matches!(token, Token::Whitespace(_)));
        error.context(format!("{}:{line}", self.file))
    }

    /// Returns the line of the first matching token; comments do not match.
    fn line(&self, is: impl Fn(&Token) -> bool) -> usize {
        let tokens = Tokenizer::new(&GenericDialect {}, &self.text).tokenize_with_location().unwrap_or_default();
        let found = tokens.iter().find(|token| is(&token.token)).map_or(1, |token| token.span.start.line);
        usize::try_from(found).unwrap_or(1)
    }

    fn check_columns(&self, schema: &Schema) -> Result<()> {
        let declared = &self.header.columns;
        if declared.is_empty() {
            return Ok(());
        }
        let wrong = |line: usize, text: String| Err(Error::invalid(format!("{}:{line}: {text}", self.file)));
        let last = declared.last().map_or(1, |column| column.line);
        for (at, field) in schema.fields().iter().enumerate() {
            let (name, kind) = (field.name(), ValueType::of(field.data_type()));
            let found = kind.map_or_else(|| field.data_type().to_string(), |kind| kind.name().to_owned());
            match declared.get(at) {
                None => {
                    let text =
                        format!("the query has a column `{name}` more than the header; add -- column: {name} {found}");
                    return wrong(last, text);
                }
                Some(column) if column.name != *name || Some(column.kind) != kind => {
                    let header = format!("`{}` ({})", column.name, column.kind.name());
                    return wrong(
                        column.line,
                        format!("the header has {header} where the query has `{name}` ({found})"),
                    );
                }
                Some(_) => {}
            }
        }
        match declared.get(schema.fields().len()) {
            Some(column) => wrong(column.line, format!("the query has no column `{}`", column.name)),
            None => Ok(()),
        }
    }
}

fn null(kind: ValueType) -> Option<ScalarValue> {
    ScalarValue::try_from(&kind.data_type()).ok()
}

/// Returns the error of a name that no query has.
pub(crate) fn no_such_query<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let hint = match nearest(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`queries list` and GET /queries list the names".to_owned(),
    };
    Error::new(Kind::NotFound, format!("there is no query `{name}`; {hint}"))
}

#[cfg(test)]
mod tests {
    use lake_store::Location;

    use super::*;
    use crate::engine::{Engine, EngineOptions};

    fn query(text: &str) -> NamedQuery {
        NamedQuery::parse("own/q", "own/q.sql", text).expect("a right header").expect("a title")
    }

    fn session() -> Session {
        let directory = tempfile::tempdir().expect("a directory");
        let location = Location::parse(&directory.path().display().to_string()).expect("a place");
        Engine::new(EngineOptions::default(), &location).expect("an engine").session()
    }

    async fn checked(text: &str) -> String {
        query(text).check(&session()).await.map_or_else(|error| error.to_string(), |()| "right".to_owned())
    }

    #[tokio::test]
    async fn a_query_takes_and_gives_what_its_header_says() {
        let head = "-- title: t\n-- parameter: n integer = 1\n-- column: a integer\n-- column: b text\n";
        let with_header = |sql: &str| format!("{head}{sql}");
        assert_eq!(checked(&with_header("SELECT $n AS a, 'x' AS b")).await, "right");
        for (sql, says) in [
            ("SELECT $n AS a, 1 AS b", "own/q.sql:4: the header has `b` (text) where the query has `b` (integer)"),
            ("SELECT 'x' AS b, $n AS a", "own/q.sql:3: the header has `a` (integer) where the query has `b` (text)"),
            ("SELECT $n AS a", "own/q.sql:4: the query has no column `b`"),
            (
                "SELECT $n AS a, 'x' AS b, TRUE AS c",
                "own/q.sql:4: the query has a column `c` more than the header; add -- column: c boolean",
            ),
            ("SELECT 1 AS a, 'x' AS b", "own/q.sql:2: the parameter `n` is declared, but $n is not in the SQL"),
            ("SELECT $n AS a, $m AS b", "own/q.sql:5: $m is not declared; add -- parameter: m TYPE to the header"),
            ("SELECT $n AS a, nothing AS b", "own/q.sql: line 5, column 17: "),
            ("SELECT $n AS a, 'x' AS b FROM nowhere", "own/q.sql: line 5, column 31: "),
            ("DROP TABLE x", "own/q.sql:5: the lake is read-only"),
        ] {
            let error = checked(&with_header(sql)).await;
            assert!(error.starts_with(says), "{sql}: {error}");
        }
    }

    #[test]
    fn values_are_those_given_and_the_defaults_of_the_others() {
        let query = query(
            "-- title: t\n-- parameter: since date\n-- parameter: top integer = 20\n-- parameter: kind text = null\nSELECT 1",
        );
        let values = query.values([("since", "2024-06-01")]).expect("values");
        let value = |name: &str| values.get_placeholders_with_values(name).expect(name).value().clone();
        assert_eq!(value("$top"), ScalarValue::from(20_i64));
        assert_eq!(value("$kind"), ScalarValue::Utf8(None));
        assert_eq!(value("$since").to_string(), "2024-06-01");
        for (given, says) in [
            (vec![], "needs a value for `since` (date)"),
            (vec![("since", "soon")], "`soon` is not a valid date for `since`, such as 2024-06-01"),
            (vec![("sinc", "2024-06-01")], "did you mean `since`?"),
            (vec![("since", "2024-06-01"), ("since", "2024-06-01")], "given twice"),
            (vec![("since", "2024-06-01"), ("top", "1.5")], "`1.5` is not a valid integer for `top`"),
        ] {
            let error = query.values(given.iter().copied()).expect_err(says).to_string();
            assert!(error.contains(says), "{says}: {error}");
        }
    }
}
