//! Text of outside origin, and text that may hold a credential, made fit to be shown.

use std::borrow::Cow;
use std::sync::OnceLock;

/// Variables whose complete value is a credential.
const SECRET_VARIABLES: [&str; 9] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SERVER_SIDE_ENCRYPTION_CUSTOMER_KEY_BASE64",
    "AWS_SSE_CUSTOMER_KEY_BASE64",
    "HOTSPOTS_APP_TOKEN",
    "HOTSPOTS_TOKEN",
    "HOTSPOTS_ADMIN_TOKEN",
];
/// Shorter values are not looked for: they are words of any text.
const MIN_SECRET_BYTES: usize = 8;
/// The replacement of a credential in output.
const MASK: &str = "***";

/// Returns the text without the credentials that are known to be in the environment, and without user names and
/// passwords in addresses: `https://***@host`.
pub fn redact(text: &str) -> Cow<'_, str> {
    static SECRETS: OnceLock<Vec<String>> = OnceLock::new();
    let secrets = SECRETS.get_or_init(|| {
        let values = SECRET_VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
        values.filter(|value| value.len() >= MIN_SECRET_BYTES).flat_map(|value| encodings(&value)).collect()
    });
    let mut text = mask_userinfo(text);
    for secret in secrets {
        if text.contains(secret.as_str()) {
            text = Cow::Owned(text.replace(secret.as_str(), MASK));
        }
    }
    text
}

/// Returns the forms in which an answer may repeat a credential: as it is, in a JSON string, in an address.
fn encodings(secret: &str) -> Vec<String> {
    let in_json = secret.replace('\\', "\\\\").replace('"', "\\\"");
    let with_slashes = in_json.replace('/', "\\/");
    let in_address: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let in_lower_case = lower_case_escapes(&in_address);
    let mut encodings = vec![secret.to_owned(), in_json, with_slashes, in_address, in_lower_case];
    // The longest first: a shorter one may be a part of it.
    encodings.sort_by_key(|text| std::cmp::Reverse(text.len()));
    encodings.dedup();
    encodings
}

/// Writes `%2F` as `%2f`.
fn lower_case_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (escape, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower.extend(["%", &escape.to_ascii_lowercase(), rest]);
    }
    lower
}

/// Returns the text with `***` for the part between `://` and `@` in an address.
fn mask_userinfo(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, authority) = rest.split_at(at + 3);
        let is_end = |c: char| c.is_whitespace() || c.is_control() || "/?#\"'`<>".contains(c);
        let end = authority.find(is_end).unwrap_or(authority.len());
        masked.push_str(before);
        match authority[..end].rfind('@') {
            Some(userinfo) => {
                masked.push_str(MASK);
                rest = &authority[userinfo..];
            }
            None => rest = authority,
        }
    }
    if masked.is_empty() {
        return Cow::Borrowed(text);
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

/// Returns text of outside origin as one printable line: control characters, line breaks and characters that change the
/// direction of writing are escaped (`\u{1b}`), and the text is cut to `max_chars`.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let text = text.trim();
    let mut line = String::new();
    text.chars().take(max_chars).for_each(|c| push_escaped(&mut line, c));
    if text.chars().nth(max_chars).is_some() {
        line.push_str("...");
    }
    line
}

/// Returns lines of text that contain values of outside origin in printable form: as [`one_line`], but line breaks
/// remain.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c != '\n' && is_escaped(c)) {
        return Cow::Borrowed(text);
    }
    let mut lines = String::with_capacity(text.len());
    text.chars().for_each(|c| if c == '\n' { lines.push(c) } else { push_escaped(&mut lines, c) });
    Cow::Owned(lines)
}

/// Returns whether a character does something else than to be shown: it moves a cursor, changes colours or the
/// direction of text.
fn is_escaped(c: char) -> bool {
    let is_direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || is_direction
}

fn push_escaped(text: &mut String, c: char) {
    match c {
        '\n' | '\r' | '\t' => text.extend(c.escape_default()),
        c if is_escaped(c) => text.extend(c.escape_unicode()),
        c => text.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_and_passwords_in_addresses_are_masked() {
        for (text, masked) in [
            ("http://user:pw@host:1/a b", "http://***@host:1/a b"),
            ("two: http://u@a and https://v:w@b.", "two: http://***@a and https://***@b."),
            ("`socks5://u:p%40@[::1]:9`", "`socks5://***@[::1]:9`"),
            ("a password with @: http://u:p@ss@host/x", "a password with @: http://***@host/x"),
            ("none: https://host/a@b?c=d@e", "none: https://host/a@b?c=d@e"),
            ("no address @ all", "no address @ all"),
        ] {
            assert_eq!(redact(text), masked);
        }
    }

    #[test]
    fn a_credential_is_known_in_json_and_in_an_address() {
        let encodings = encodings(r#"a/b+c"d\e="#);
        for form in
            [r#"a/b+c"d\e="#, r#"a/b+c\"d\\e="#, r#"a\/b+c\"d\\e="#, "a%2Fb%2Bc%22d%5Ce%3D", "a%2fb%2bc%22d%5ce%3d"]
        {
            assert!(encodings.iter().any(|encoding| encoding == form), "{form}: {encodings:?}");
        }
        assert_eq!(super::encodings("plain1234"), ["plain1234"]);
    }

    #[test]
    fn text_of_outside_origin_becomes_one_printable_line() {
        assert_eq!(one_line("\u{1b}]0;own\u{7}ed\r\nINFO \u{202e}x", 100), r"\u{1b}]0;own\u{7}ed\r\nINFO \u{202e}x");
        assert_eq!(one_line("\u{9b}31m é 雪", 100), r"\u{9b}31m é 雪");
        assert_eq!(one_line("abcdef", 3), "abc...");
        assert_eq!(printable("| a\u{1b}[2J\r |\n| é |\n"), "| a\\u{1b}[2J\\r |\n| é |\n");
        assert!(matches!(printable("| é |\n"), Cow::Borrowed(_)));
    }
}
