//! Imports between the files of a crate: which file uses which, and the circles among them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module by its path within the crate; the root is empty.
type Module = Vec<String>;

/// The files of a crate by module, with their text.
struct Files(BTreeMap<Module, String>);

/// Returns the circles of imports among the files below a directory: in each the files as `folder/file`, sorted.
pub(super) fn find_circles(source: &Path) -> Vec<Vec<String>> {
    let files = Files::read(source);
    let uses: BTreeMap<&Module, BTreeSet<Module>> = files.0.keys().map(|from| (from, files.used_by(from))).collect();
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = uses.keys().map(|from| (*from, reach(from, &uses))).collect();
    let mut circles = BTreeSet::new();
    for (from, to) in &reached {
        let circle: BTreeSet<String> =
            to.iter().filter(|other| reached[**other].contains(*from)).map(|other| other.join("/")).collect();
        if circle.len() > 1 {
            circles.insert(circle.into_iter().collect::<Vec<_>>());
        }
    }
    circles.into_iter().collect()
}

/// Returns every file that is used by a file, directly or through others.
fn reach<'u>(from: &Module, uses: &'u BTreeMap<&Module, BTreeSet<Module>>) -> BTreeSet<&'u Module> {
    let mut found: BTreeSet<&Module> = BTreeSet::new();
    let mut open: Vec<&Module> = uses[from].iter().collect();
    while let Some(module) = open.pop() {
        if found.insert(module) {
            open.extend(&uses[module]);
        }
    }
    found
}

impl Files {
    fn read(source: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut open = vec![source.to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let inner = path.strip_prefix(source).expect("below the source").with_extension("");
                    let mut module: Module =
                        inner.iter().map(|part| part.to_str().expect("UTF-8").to_owned()).collect();
                    if module.iter().any(|part| part == "tests" || part.ends_with("_tests")) {
                        continue;
                    }
                    if ["mod", "lib", "main"].contains(&module.last().expect("a name").as_str()) {
                        module.pop();
                    }
                    files.insert(module, code(&std::fs::read_to_string(&path).expect("a file")));
                }
            }
        }
        Self(files)
    }

    /// Returns the files that a file names in `use` declarations and in paths.
    fn used_by(&self, from: &Module) -> BTreeSet<Module> {
        let mut used = BTreeSet::new();
        for (exports, path) in paths(&self.0[from]) {
            let Some(target) = self.absolute(from, &path).and_then(|path| self.resolve(path)) else { continue };
            // A module that only passes on what is below it does not use it.
            if target != *from && !(exports && target.starts_with(from)) {
                used.insert(target);
            }
        }
        used
    }

    /// Resolves a path from the root of the crate; `None` if it leads out of it.
    fn absolute(&self, from: &Module, path: &[String]) -> Option<Module> {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let base: Module = match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => return Some(from.iter().chain(&path[1..]).cloned().collect()),
            "super" => from[..from.len().checked_sub(supers)?].to_vec(),
            child if self.0.contains_key(&[from.as_slice(), &[child.to_owned()]].concat()) => from.clone(),
            _ => return None,
        };
        Some(base.into_iter().chain(path[supers..].iter().cloned()).collect())
    }

    /// Returns the file that defines what a path names; re-exports are followed.
    fn resolve(&self, path: Module) -> Option<Module> {
        let module = (0..=path.len()).rev().map(|n| path[..n].to_vec()).find(|module| self.0.contains_key(module))?;
        let Some(name) = path.get(module.len()) else { return Some(module) };
        let passed_on =
            paths(&self.0[&module]).into_iter().find(|(exports, path)| *exports && path.last() == Some(name));
        match passed_on.and_then(|(_, inner)| self.absolute(&module, &inner)) {
            Some(inner) if inner != path => self.resolve(inner),
            _ => Some(module),
        }
    }
}

/// Returns the code of a file without comments and unit tests.
fn code(text: &str) -> String {
    let text = text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(code, _)| code);
    text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect::<Vec<_>>().join("\n")
}

/// Returns the paths that a file names, and whether each is a re-export: `pub use a::{b, c}` is two.
fn paths(code: &str) -> Vec<(bool, Vec<String>)> {
    let mut found = Vec::new();
    let mut lines = code.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let exports = line.starts_with("pub");
        let item = line.strip_prefix("pub").map_or(line, |rest| rest.split_once(") ").map_or(rest, |(_, item)| item));
        if let Some(first) = item.trim_start().strip_prefix("use ") {
            let mut declaration = first.to_owned();
            while !declaration.contains(';') {
                declaration.push_str(lines.next().expect("the end of a declaration"));
            }
            let declaration = declaration.split(';').next().unwrap_or_default();
            found.extend(expand(declaration).into_iter().map(|path| (exports, path)));
            continue;
        }
        for root in ["crate::", "super::"] {
            for (at, _) in line.match_indices(root) {
                let path = line[at..].split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).next();
                found.push((false, parts(path.unwrap_or_default())));
            }
        }
    }
    found
}

/// Returns the paths of one `use` declaration.
fn expand(declaration: &str) -> Vec<Vec<String>> {
    let Some((prefix, list)) = declaration.trim().split_once('{') else { return vec![parts(declaration)] };
    let list = list.trim_end().strip_suffix('}').unwrap_or(list);
    let (mut items, mut depth) = (vec![String::new()], 0);
    for character in list.chars() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        if character == ',' && depth == 0 {
            items.push(String::new());
        } else {
            items.last_mut().expect("an item").push(character);
        }
    }
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| expand(&format!("{prefix}{}", item.trim()))).collect()
}

/// Returns the parts of a path, without a name after `as`.
fn parts(path: &str) -> Vec<String> {
    let path = path.split(" as ").next().unwrap_or(path);
    path.trim().split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
