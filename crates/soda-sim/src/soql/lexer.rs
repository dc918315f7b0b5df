//! Clauses as tokens.

/// A token of a clause.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A bare word: a column, a keyword or a function.
    Word(String),
    /// A name between backquotes, never a keyword.
    Quoted(String),
    /// A string literal.
    Text(String),
    /// A number literal, as written.
    Number(String),
    /// A comparison or arithmetic operator.
    Op(&'static str),
    Open,
    Close,
    Comma,
    Star,
    /// `:*`, all system fields.
    SystemStar,
}

impl Token {
    /// Returns whether the token is that keyword, in any case.
    pub(crate) fn is_word(&self, keyword: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// Longer operators first, so that `<=` is not read as `<` and `=`.
const OPERATORS: [&str; 12] = ["<>", "!=", "<=", ">=", "==", "||", "=", "<", ">", "-", "+", "/"];

/// Splits a clause into tokens; `None` if a part of it is not a SoQL token.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '*' => (Token::Star, 1),
            '\'' | '"' => {
                let (value, length) = quoted(rest, first)?;
                (Token::Text(value), length)
            }
            '`' => {
                let (value, length) = quoted(rest, '`')?;
                (Token::Quoted(value), length)
            }
            '0'..='9' | '.' => {
                let length = number_length(rest)?;
                (Token::Number(rest[..length].to_owned()), length)
            }
            ':' if rest[1..].starts_with('*') => (Token::SystemStar, 2),
            ':' | '_' | '@' | 'a'..='z' | 'A'..='Z' => {
                let length = word_length(rest)?;
                (Token::Word(rest[..length].to_owned()), length)
            }
            _ => {
                let op = OPERATORS.iter().find(|op| rest.starts_with(**op))?;
                (Token::Op(op), op.len())
            }
        };
        out.push(token);
        rest = rest[length..].trim_start();
    }
    Some(out)
}

/// Returns the value between quotes and its length with them; a doubled quote is an escaped one.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((place, c)) = chars.next() {
        if c != quote {
            value.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            value.push(quote);
            chars.next();
        } else {
            return Some((value, place + quote.len_utf8()));
        }
    }
    None
}

fn number_length(text: &str) -> Option<usize> {
    let digits = |from: usize| text[from..].bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(0);
    if text[length..].starts_with('.') {
        length += 1 + digits(length + 1);
    }
    if text[length..].starts_with(['e', 'E']) {
        let sign = usize::from(text[length + 1..].starts_with(['+', '-']));
        let exponent = digits(length + 1 + sign);
        length += if exponent == 0 { 0 } else { 1 + sign + exponent };
    }
    (text[..length].parse::<f64>().is_ok()).then_some(length)
}

/// Returns the length of a word. It may begin with `:` or `:@`, as system fields and computed regions do.
fn word_length(text: &str) -> Option<usize> {
    let start = text.bytes().take_while(|byte| matches!(byte, b':' | b'@')).count();
    let tail = text[start..].bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    (start <= 2 && tail > 0).then_some(start + tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_fields_and_computed_regions_are_single_words() {
        let expected = ["`", ":updated_at", ":@computed_region_ajp5_b2md"];
        let found = tokens(":updated_at , :@computed_region_ajp5_b2md").unwrap_or_default();
        assert_eq!(found, [Token::Word(expected[1].into()), Token::Comma, Token::Word(expected[2].into())]);
    }

    #[test]
    fn a_doubled_quote_inside_a_string_stands_for_one() {
        assert_eq!(tokens("'it''s'"), Some(vec![Token::Text("it's".into())]));
    }

    #[test]
    fn an_open_string_is_refused() {
        assert_eq!(tokens("a = 'b"), None);
        assert_eq!(tokens("`a"), None);
    }

    #[test]
    fn operators_are_read_as_long_as_they_go() {
        let found = tokens("a<=1").unwrap_or_default();
        assert_eq!(found[1], Token::Op("<="));
    }
}
