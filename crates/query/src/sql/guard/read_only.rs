//! Which statements are answered: those that read. Checked before a statement is planned, because errors within a
//! statement that writes do not help its author.

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{SetExpr, Statement as Sql};
use lake_model::{Error, Result};

/// Rejects statements that do not only read.
///
/// # Errors
/// If it would change something, were it possible.
pub(crate) fn check_read_only(statement: &Statement) -> Result<()> {
    match verb_of_change(statement) {
        None => Ok(()),
        Some(verb) => Err(Error::invalid(format!(
            "the lake is read-only: it answers SELECT, WITH, VALUES, EXPLAIN, SHOW and DESCRIBE, not {verb}"
        ))),
    }
}

/// Returns the verb of a statement that does not only read; `None` if it only reads.
fn verb_of_change(statement: &Statement) -> Option<String> {
    match statement {
        Statement::Explain(explained) => verb_of_change(&explained.statement),
        Statement::Statement(sql) => sql_verb_of_change(sql),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => first_word(statement),
    }
}

fn sql_verb_of_change(statement: &Sql) -> Option<String> {
    match statement {
        Sql::Query(query) => match query.body.as_ref() {
            SetExpr::Insert(inner) | SetExpr::Update(inner) | SetExpr::Delete(inner) | SetExpr::Merge(inner) => {
                first_word(inner)
            }
            _ => None,
        },
        Sql::Explain { statement, .. } => sql_verb_of_change(statement),
        Sql::ExplainTable { .. }
        | Sql::ShowCatalogs { .. }
        | Sql::ShowColumns { .. }
        | Sql::ShowCreate { .. }
        | Sql::ShowDatabases { .. }
        | Sql::ShowFunctions { .. }
        | Sql::ShowSchemas { .. }
        | Sql::ShowTables { .. }
        | Sql::ShowVariable { .. }
        | Sql::ShowVariables { .. }
        | Sql::ShowViews { .. } => None,
        other => first_word(other),
    }
}

fn first_word(statement: &impl ToString) -> Option<String> {
    statement.to_string().split_whitespace().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use datafusion::sql::parser::DFParser;

    use super::*;

    fn checked(text: &str) -> Result<()> {
        check_read_only(&DFParser::parse_sql(text).expect(text).pop_front().expect("a statement"))
    }

    #[test]
    fn what_reads_is_answered_and_what_writes_is_refused_by_its_verb() {
        for text in [
            "SELECT 1",
            "(SELECT 1)",
            "WITH w AS (SELECT 1) SELECT * FROM w",
            "VALUES (1)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE VERBOSE SELECT 1",
            "DESCRIBE counts",
            "SHOW TABLES",
            "SHOW COLUMNS FROM counts",
            "SHOW ALL",
        ] {
            assert!(checked(text).is_ok(), "{text}");
        }
        for (text, verb) in [
            ("INSERT INTO counts VALUES (1)", "INSERT"),
            ("COPY counts TO 'a folder'", "COPY"),
            ("EXPLAIN COPY counts TO 'a folder'", "COPY"),
            ("create table t as select 1", "CREATE"),
            ("DROP TABLE counts", "DROP"),
            ("UPDATE counts SET count = 0", "UPDATE"),
            ("SET a = 1", "SET"),
            ("BEGIN", "BEGIN"),
            ("WITH w AS (SELECT 1) INSERT INTO counts SELECT * FROM w", "INSERT"),
        ] {
            let error = checked(text).expect_err(text).to_string();
            assert!(error.starts_with("the lake is read-only: ") && error.ends_with(&format!("not {verb}")), "{error}");
        }
    }
}
