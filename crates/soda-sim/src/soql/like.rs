//! `LIKE`, with `%` for any run of characters and `_` for any one.

/// Returns whether the text matches the pattern. Never backtracks further than the last `%`.
pub(crate) fn matches(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut t, mut p) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('%') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '_' || *c == text[t] => {
                t += 1;
                p += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    t = from + 1;
                    p = after;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn percent_stands_for_any_run_and_underscore_for_one() {
        assert!(matches("Larceny Theft", "Larceny%"));
        assert!(matches("Larceny Theft", "%Th_ft"));
        assert!(matches("Larceny Theft", "%c%n%t"));
        assert!(matches("", "%"));
        assert!(!matches("Larceny Theft", "larceny%"));
        assert!(!matches("Theft", "Theft_"));
        assert!(!matches("", "_"));
    }
}
