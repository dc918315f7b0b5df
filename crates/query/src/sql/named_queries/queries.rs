//! The named queries there are: those the program comes with, and a user's own directory of files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, DirEntry, include_dir};
use lake_model::{Error, Kind, Result, ResultExt, read_regular_file};

use crate::engine::Session;
use crate::sql::named_queries::named_query::{NamedQuery, no_such_query};

/// The SQL files of the program.
static QUERIES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../queries");

/// Named queries.
#[derive(Clone, Debug, Default)]
pub struct Queries {
    queries: BTreeMap<String, Arc<NamedQuery>>,
}

impl Queries {
    /// Returns the queries the program comes with.
    ///
    /// # Errors
    /// If one of its own files is wrong.
    pub fn built_in() -> Result<Self> {
        let mut queries = Self::default();
        let mut folders: Vec<&Dir<'_>> = vec![&QUERIES];
        while let Some(folder) = folders.pop() {
            for entry in folder.entries() {
                match entry {
                    DirEntry::Dir(inner) => folders.push(inner),
                    DirEntry::File(file) => {
                        let (path, text) = (file.path().display().to_string(), file.contents_utf8().unwrap_or(""));
                        if let Some(name) = path.strip_suffix(".sql") {
                            // One without a title is a template of the program's own.
                            let query = NamedQuery::parse(name, &format!("queries/{path}"), text)?;
                            queries.queries.extend(query.map(|query| (name.to_owned(), Arc::new(query))));
                        }
                    }
                }
            }
        }
        Ok(queries)
    }

    /// Reads the queries of the `*.sql` files in a directory and its subdirectories; their names are their paths in it.
    ///
    /// # Errors
    /// If the directory cannot be read or a header is wrong; every wrong file is named.
    pub fn from_directory(directory: &Path) -> Result<Self> {
        let mut queries = Self::default();
        let mut wrong = Vec::new();
        for (name, path) in sql_files(directory)? {
            let shown = path.display().to_string();
            let query = read_regular_file(&path).and_then(|text| named(&name, &shown, &text));
            match query {
                Ok(query) => drop(queries.queries.insert(name, Arc::new(query))),
                Err(error) => wrong.push(error.to_string()),
            }
        }
        if wrong.is_empty() { Ok(queries) } else { Err(Error::invalid(wrong.join("\n"))) }
    }

    /// Adds the queries of another, which replace those of the same name.
    #[must_use]
    pub fn with_overrides(mut self, others: &Self) -> Self {
        self.queries.extend(others.queries.clone());
        self
    }

    /// Returns the query of that name.
    ///
    /// # Errors
    /// If there is none; the error names the nearest name.
    pub fn get(&self, name: &str) -> Result<Arc<NamedQuery>> {
        let found = self.queries.get(name).map(Arc::clone);
        found.ok_or_else(|| no_such_query(name, self.queries.keys().map(String::as_str)))
    }

    /// Returns every query, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<NamedQuery>> + Clone {
        self.queries.values()
    }

    /// Fails unless each of them can be run over the tables of this session, and has the parameters and columns that
    /// its header declares. A resource that has not landed is an empty raw table.
    ///
    /// # Errors
    /// The error of each invalid one, with its file and position.
    pub async fn check(&self, session: &Session) -> Result<()> {
        let mut wrong = Vec::new();
        for query in self.iter() {
            match query.check(session).await {
                Ok(()) => {}
                Err(error) if error.kind() == Kind::Invalid => wrong.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::invalid(wrong.join("\n"))) }
    }
}

/// Parses a file of a user's directory, which must have a header.
fn named(name: &str, file: &str, text: &str) -> Result<NamedQuery> {
    let usual = |c: char| c.is_ascii_alphanumeric() || "_-/".contains(c);
    if !name.chars().all(usual) {
        return Err(Error::invalid(format!("{file}: a query's file is named in letters, digits, _ and -; rename it")));
    }
    let query = NamedQuery::parse(name, file, text)?;
    query.ok_or_else(|| Error::invalid(format!("{file}:1: the query has no title; begin the file with -- title: ...")))
}

/// Returns the files by the names of their queries. Hidden files are ignored.
fn sql_files(directory: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(String::new(), directory.to_owned())];
    while let Some((prefix, folder)) = folders.pop() {
        let unreadable = || format!("the query directory {} cannot be read", folder.display());
        for entry in std::fs::read_dir(&folder).or_err(Kind::Invalid, unreadable)? {
            let entry = entry.or_err(Kind::Invalid, unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            // A link to a directory is ignored: it could lead back here.
            if entry.file_type().or_err(Kind::Invalid, unreadable)?.is_dir() {
                folders.push((format!("{prefix}{name}/"), entry.path()));
            } else if let Some(stem) = name.strip_suffix(".sql") {
                files.insert(format!("{prefix}{stem}"), entry.path());
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_comes_with_has_right_headers_and_tells_every_column() {
        let queries = Queries::built_in().expect("right headers");
        assert!(queries.iter().count() >= 10, "{queries:?}");
        for query in queries.iter() {
            assert!(!query.about().is_empty() && !query.columns().is_empty(), "{}", query.file());
            for parameter in query.parameters() {
                assert!(!parameter.about.is_empty(), "{}: {}", query.file(), parameter.name);
            }
        }
        let error = queries.get("reports/categorys").expect_err("no such query").to_string();
        assert!(error.contains("did you mean `reports/categories`?"), "{error}");
    }
}
