//! The depth of a statement, found from its tokens before it is parsed: parsing, planning, evaluating and dropping it take
//! a frame of the stack for each operator that contains another.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use lake_model::{Error, Result};

/// Operators of one expression, and queries of one `UNION`, at most: [`STACK_BYTES`] holds at least twice as many, in every build.
pub const MAX_OPERATORS: usize = 2_000;

/// The stack of every thread on which statements are planned, evaluated or dropped.
pub const STACK_BYTES: usize = 32 << 20;

/// Checks a statement before it is parsed.
///
/// # Errors
/// If more operators hold each other than may.
pub(crate) fn check_nesting_depth(text: &str) -> Result<()> {
    // The parser reports text that is not SQL, with its position.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text).tokenize() else { return Ok(()) };
    let operators = count_nested_operators(&tokens);
    if operators <= MAX_OPERATORS {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "the statement nests {operators} operators, more than {MAX_OPERATORS} \
         (`max_operators` of /limits); write many values as a list, x IN (1, 2), or split the query"
    )))
}

/// A part between two parentheses, or between `CASE` and `END`.
#[derive(Default)]
struct Level {
    /// Queries of a union, or steps of a pipe, before this one.
    queries: usize,
    /// Operators of the element that is being read.
    chain: usize,
    /// The greatest depth within that element.
    within: usize,
    /// The deepest element before it.
    before: usize,
}

impl Level {
    fn ends_element(&mut self) {
        self.before = self.before.max(self.chain + self.within);
        (self.chain, self.within) = (0, 0);
    }

    fn depth(mut self) -> usize {
        self.ends_element();
        self.queries + self.before
    }
}

/// Returns an upper bound of the depth of nested operators: as if every operator of an element contained all before it.
fn count_nested_operators(tokens: &[Token]) -> usize {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    for token in tokens {
        match effect_of_token(token) {
            Effect::None => {}
            Effect::Operator => level.chain += 1,
            Effect::EndsElement => level.ends_element(),
            Effect::Query => {
                level.ends_element();
                level.queries += 1;
            }
            Effect::Opens => outer.push(std::mem::take(&mut level)),
            Effect::Subscript => {
                level.chain += 1;
                outer.push(std::mem::take(&mut level));
            }
            Effect::Closes => level = close_level(level, outer.pop()),
        }
    }
    while let Some(around) = outer.pop() {
        level = close_level(level, Some(around));
    }
    level.depth()
}

/// Returns the level around one that ends. An end without a beginning is left to the parser to reject.
fn close_level(level: Level, around: Option<Level>) -> Level {
    let mut around = around.unwrap_or_default();
    around.within = around.within.max(level.depth() + 1);
    around
}

enum Effect {
    None,
    Operator,
    EndsElement,
    Query,
    Opens,
    Subscript,
    Closes,
}

fn effect_of_token(token: &Token) -> Effect {
    match token {
        Token::Word(word) => effect_of_word(word.keyword),
        Token::Comma | Token::SemiColon => Effect::EndsElement,
        Token::LParen | Token::LBrace => Effect::Opens,
        Token::LBracket => Effect::Subscript,
        Token::RParen | Token::RBrace | Token::RBracket => Effect::Closes,
        Token::VerticalBarRightAngleBracket => Effect::Query,
        Token::EOF
        | Token::Whitespace(_)
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Placeholder(_)
        | Token::Period => Effect::None,
        _ => Effect::Operator,
    }
}

fn effect_of_word(word: Keyword) -> Effect {
    match word {
        Keyword::CASE => Effect::Opens,
        Keyword::END => Effect::Closes,
        Keyword::SELECT
        | Keyword::WHERE
        | Keyword::HAVING
        | Keyword::ON
        | Keyword::WHEN
        | Keyword::THEN
        | Keyword::ELSE => Effect::EndsElement,
        Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => Effect::Query,
        Keyword::AND
        | Keyword::OR
        | Keyword::XOR
        | Keyword::NOT
        | Keyword::IS
        | Keyword::NOTNULL
        | Keyword::IN
        | Keyword::LIKE
        | Keyword::ILIKE
        | Keyword::RLIKE
        | Keyword::REGEXP
        | Keyword::SIMILAR
        | Keyword::BETWEEN
        | Keyword::DIV
        | Keyword::AT
        | Keyword::COLLATE
        | Keyword::OPERATOR
        | Keyword::OVERLAPS
        | Keyword::MATCH
        | Keyword::MEMBER => Effect::Operator,
        _ => Effect::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str) -> usize {
        count_nested_operators(&Tokenizer::new(&GenericDialect {}, text).tokenize().expect(text))
    }

    #[test]
    fn operators_are_counted_that_hold_each_other_and_not_those_next_to_each_other() {
        for (text, expected) in [
            ("SELECT 1", 0),
            ("SELECT 1 + 2 + 3", 2),
            ("SELECT 1 + 2, 3 + 4, 5 + 6", 1),
            ("SELECT a FROM t WHERE a = 1 AND b = 2", 3),
            ("SELECT a FROM t WHERE a IN ('+', '-', '*')", 2),
            ("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3", 2),
            ("SELECT (1 + 2) + (3 + 4)", 3),
            ("SELECT CASE WHEN a = 1 THEN 1 WHEN a = 2 THEN 2 ELSE 3 END", 2),
            ("SELECT CASE WHEN a THEN 1 END + CASE WHEN a THEN 1 END + 1", 3),
            ("SELECT a IS DISTINCT FROM b IS DISTINCT FROM c", 2),
            ("SELECT a[1][2]", 3),
            ("SELECT x::INT::TEXT", 2),
            ("SELECT '+ + +', \"+\" -- + +\n", 0),
        ] {
            assert_eq!(counted(text), expected, "{text}");
        }
    }

    #[test]
    fn more_operators_than_may_be_are_refused_and_the_limit_is_named() {
        let sum = |terms: usize| format!("SELECT {}", vec!["1"; terms].join("+"));
        assert!(check_nesting_depth(&sum(MAX_OPERATORS + 1)).is_ok());
        let error = check_nesting_depth(&sum(MAX_OPERATORS + 2)).expect_err("one too many").to_string();
        assert!(error.contains("2001 operators") && error.contains("`max_operators` of /limits"), "{error}");
    }
}
