//! The placeholders for values in parsed SQL. The engine supports `$1` and `$name`; `?` becomes a number in the parsed
//! statement, so that the positions in errors stay those of the text.

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan, visit_expressions, visit_expressions_mut};
use datafusion::sql::sqlparser::tokenizer::Location;
use lake_model::{Error, Result};

/// Numbers the placeholders that are written `?`, in the order of the text.
///
/// # Errors
/// If the statement also has others.
pub(crate) fn number_placeholders(statement: &mut Statement) -> Result<()> {
    let statement = match statement {
        Statement::Statement(statement) => statement,
        Statement::Explain(explained) => return number_placeholders(&mut explained.statement),
        // None of these is ever run.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => return Ok(()),
    };
    let (mut questions, mut others) = (Vec::new(), false);
    let _: ControlFlow<()> = visit_expressions(statement, |expr| {
        match placeholder_of(expr) {
            Some(("?", at)) => questions.push(at),
            Some(_) => others = true,
            None => {}
        }
        ControlFlow::Continue(())
    });
    if questions.is_empty() {
        return Ok(());
    }
    if others {
        return Err(Error::invalid("a query has placeholders as ? or as $1 and $name, not both"));
    }
    questions.sort_unstable();
    let _: ControlFlow<()> = visit_expressions_mut(statement, |expr| {
        let index = placeholder_of(expr).and_then(|(_, at)| questions.binary_search(&at).ok());
        if let (Some(index), Expr::Value(value)) = (index, expr) {
            value.value = Value::Placeholder(format!("${}", index + 1));
        }
        ControlFlow::Continue(())
    });
    Ok(())
}

fn placeholder_of(expr: &Expr) -> Option<(&str, Location)> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Placeholder(name), span }) => Some((name, span.start)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::DFParser;

    use super::*;

    fn numbered(text: &str) -> Result<String> {
        let mut statement = DFParser::parse_sql(text).expect(text).pop_front().expect("a statement");
        number_placeholders(&mut statement).map(|()| statement.to_string())
    }

    #[test]
    fn questions_are_numbered_in_the_order_of_the_text_but_not_within_texts_names_and_comments() {
        for (text, expected) in [
            ("SELECT ? + ?", "SELECT $1 + $2"),
            ("SELECT '?' AS \"a?\", ? -- ?\n", "SELECT '?' AS \"a?\", $1"),
            ("SELECT $1", "SELECT $1"),
            ("SELECT 'it''s ?', /* ? */ ?", "SELECT 'it''s ?', $1"),
            ("SELECT 'ü\n?',\t?,\r\n  ?", "SELECT 'ü\n?', $1, $2"),
            ("SELECT ? FROM t WHERE a = ? LIMIT ? OFFSET ?", "SELECT $1 FROM t WHERE a = $2 LIMIT $3 OFFSET $4"),
            ("SELECT ? UNION SELECT ? ORDER BY ?", "SELECT $1 UNION SELECT $2 ORDER BY $3"),
            ("WITH w AS (SELECT ?) SELECT ? FROM w", "WITH w AS (SELECT $1) SELECT $2 FROM w"),
            ("SELECT CASE ? WHEN ? THEN ? ELSE ? END", "SELECT CASE $1 WHEN $2 THEN $3 ELSE $4 END"),
            ("EXPLAIN SELECT ?", "EXPLAIN SELECT $1"),
        ] {
            assert_eq!(numbered(text).expect(text), expected);
        }
        assert!(numbered("SELECT ?, $1").is_err());
    }
}
