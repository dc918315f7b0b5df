//! "Did you mean": the nearest of the names there are.

/// Returns the name among `names` that `given` most likely meant, if any is near.
pub fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Lists `names` as in a sentence: "`a`, `b` or `c`".
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_finds_its_neighbour_and_nonsense_finds_none() {
        let names = ["311-cases", "fire-incidents", "traffic-crashes"];
        assert_eq!(nearest("311-case", names), Some("311-cases"));
        assert_eq!(nearest("qqq", names), None);
        assert_eq!(listed(names), "`311-cases`, `fire-incidents` or `traffic-crashes`");
    }
}
