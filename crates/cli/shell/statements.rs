//! Where statements end in what was typed: at a semicolon that is in no text, name or comment.

/// Returns the statements that have ended, without their semicolons, and the text after the last of them.
pub(crate) fn split(text: &str) -> (Vec<&str>, &str) {
    let (mut statements, mut start, mut inside) = (Vec::new(), 0, Inside::Statement);
    let mut rest = text.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, c)| *c);
        inside = match (inside, c, next) {
            (Inside::Statement, ';', _) => {
                statements.push(&text[start..at]);
                start = at + 1;
                Inside::Statement
            }
            (Inside::Statement, '\'' | '"', _) => Inside::Quotes(c),
            (Inside::Statement, '-', Some('-')) => Inside::Line,
            (Inside::Statement, '/', Some('*')) => {
                rest.next();
                Inside::Block
            }
            // A doubled quote ends the text and begins it again.
            (Inside::Quotes(quote), c, _) if c == quote => Inside::Statement,
            (Inside::Line, '\n', _) => Inside::Statement,
            (Inside::Block, '*', Some('/')) => {
                rest.next();
                Inside::Statement
            }
            (inside, ..) => inside,
        };
    }
    (statements, &text[start..])
}

/// The syntax element that a character belongs to.
#[derive(Clone, Copy)]
enum Inside {
    Statement,
    /// A text or a name, and the quote that ends it.
    Quotes(char),
    /// A comment to the end of its line.
    Line,
    /// A comment between `/*` and `*/`.
    Block,
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn statements_end_at_semicolons_outside_of_texts_and_comments() {
        assert_eq!(split("SELECT 1; SELECT 2"), (vec!["SELECT 1"], " SELECT 2"));
        assert_eq!(split("SELECT ';' AS \"a;b\"; "), (vec!["SELECT ';' AS \"a;b\""], " "));
        assert_eq!(split("SELECT 'it''s; so'"), (vec![], "SELECT 'it''s; so'"));
        assert_eq!(split("SELECT 1 -- a; b\n;"), (vec!["SELECT 1 -- a; b\n"], ""));
        assert_eq!(split("SELECT /* ; */ 1;"), (vec!["SELECT /* ; */ 1"], ""));
        assert_eq!(split("SELECT 'ü;"), (vec![], "SELECT 'ü;"));
    }
}
