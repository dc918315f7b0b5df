//! Query parameters as clauses.

use super::failure::{Clause, Failure, Place};
use super::lexer::{Token, tokens};
use crate::types::{Column, SodaType};

/// Parameters that ask for nothing this portal does differently.
const IGNORED: [&str; 5] = ["$$app_token", "$$query_timeout_seconds", "$$read_from_nbe", "$$version", "$$bom"];

/// The clauses of a query, as tokens; a simple filter is part of the condition.
#[derive(Debug, Default)]
pub(crate) struct Clauses {
    pub(crate) select: Option<Vec<Token>>,
    pub(crate) filter: Option<Vec<Token>>,
    pub(crate) group: Option<Vec<Token>>,
    pub(crate) order: Option<Vec<Token>>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
    /// `$$exclude_system_fields=false`: the 2.0 way to ask for system fields.
    pub(crate) with_system_fields: bool,
}

impl Clauses {
    /// Reads the parameters; the error names the one that is invalid.
    pub(crate) fn read(query: &[(String, String)], columns: &[Column]) -> Result<Clauses, Failure> {
        let mut clauses = Clauses::default();
        let mut filters: Vec<Token> = Vec::new();
        for (name, value) in query {
            match name.as_str() {
                "$select" => clauses.select = Some(lex(value)?),
                "$where" => clauses.filter = Some(lex(value)?),
                "$group" => clauses.group = Some(lex(value)?),
                "$order" => clauses.order = Some(lex(value)?),
                "$limit" => clauses.limit = Some(count(name, value)?),
                "$offset" => clauses.offset = Some(count(name, value)?),
                "$$exclude_system_fields" => clauses.with_system_fields = value == "false",
                ignored if IGNORED.contains(&ignored) => {}
                unknown if unknown.starts_with('$') => {
                    return Err(Failure::BadParameter { parameter: name.clone(), value: value.clone() });
                }
                column => {
                    if !filters.is_empty() {
                        filters.push(Token::Word("AND".to_owned()));
                    }
                    let checkbox = columns.iter().any(|known| known.name == column && known.kind == SodaType::Checkbox);
                    let literal = if checkbox { Token::Word(value.clone()) } else { Token::Text(value.clone()) };
                    filters.extend([Token::Quoted(column.to_owned()), Token::Op("="), literal]);
                }
            }
        }
        if !filters.is_empty() {
            clauses.filter = Some(match clauses.filter.take() {
                None => filters,
                Some(condition) => {
                    let mut both = vec![Token::Open];
                    both.extend(condition);
                    both.extend([Token::Close, Token::Word("AND".to_owned())]);
                    both.extend(filters);
                    both
                }
            });
        }
        Ok(clauses)
    }

    /// Returns the complete query on one line, as errors quote it, and the column of a position in it.
    pub(crate) fn line(&self, columns: &[Column], place: Place) -> (String, usize) {
        let mut line = String::from("SELECT ");
        let mut column = 1;
        let mut write = |line: &mut String, clause: Clause, tokens: &[Token]| {
            for (number, token) in tokens.iter().enumerate() {
                let previous = number.checked_sub(1).map(|before| &tokens[before]);
                if previous.is_some_and(|previous| spaced(previous, token)) {
                    line.push(' ');
                }
                if place.clause == clause && place.token == number {
                    column = line.chars().count() + 1;
                }
                push(line, token, tokens.get(number + 1));
            }
        };
        match &self.select {
            Some(select) => write(&mut line, Clause::Select, select),
            None => {
                let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
                line.push_str(&names.join(", "));
            }
        }
        let clauses = [
            (" WHERE ", Clause::Where, &self.filter),
            (" GROUP BY ", Clause::Group, &self.group),
            (" ORDER BY ", Clause::Order, &self.order),
        ];
        for (keyword, clause, tokens) in clauses {
            if let Some(tokens) = tokens {
                line.push_str(keyword);
                write(&mut line, clause, tokens);
            }
        }
        for (keyword, number) in [(" LIMIT ", self.limit), (" OFFSET ", self.offset)] {
            if let Some(number) = number {
                line.push_str(keyword);
                line.push_str(&number.to_string());
            }
        }
        (line, column)
    }
}

fn lex(text: &str) -> Result<Vec<Token>, Failure> {
    tokens(text).ok_or(Failure::Malformed)
}

fn count(parameter: &str, value: &str) -> Result<u64, Failure> {
    value.parse().map_err(|_| Failure::BadParameter { parameter: parameter.to_owned(), value: value.to_owned() })
}

fn spaced(previous: &Token, token: &Token) -> bool {
    !matches!(token, Token::Comma | Token::Close)
        && *previous != Token::Open
        && !(*token == Token::Open && is_function(previous))
}

fn is_function(token: &Token) -> bool {
    let keywords = ["and", "or", "not", "in", "between", "like"];
    matches!(token, Token::Word(_)) && !keywords.iter().any(|keyword| token.is_word(keyword))
}

fn push(line: &mut String, token: &Token, next: Option<&Token>) {
    let keywords = ["and", "or", "not", "in", "between", "like", "is", "null", "as", "asc", "desc", "true", "false"];
    match token {
        Token::Word(word) if keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword)) => {
            line.push_str(&word.to_ascii_uppercase());
        }
        Token::Word(word) if next == Some(&Token::Open) => line.push_str(word),
        Token::Word(name) | Token::Quoted(name) => {
            line.push('`');
            line.push_str(name);
            line.push('`');
        }
        Token::Text(value) => {
            line.push('"');
            line.push_str(&value.replace('\\', "\\\\").replace('"', "\\\""));
            line.push('"');
        }
        Token::Number(digits) => line.push_str(digits),
        Token::Op(op) => line.push_str(op),
        Token::Open => line.push('('),
        Token::Close => line.push(')'),
        Token::Comma => line.push(','),
        Token::Star => line.push('*'),
        Token::SystemStar => line.push_str(":*"),
    }
}
