//! The resources the program knows: those it comes with, and a user's own directory of files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::{Error, Kind, Resource, Result, ResultExt, listed, nearest};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../data/resources");

/// Resources by name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    resources: BTreeMap<String, Arc<Resource>>,
}

impl Catalog {
    /// The resources the program comes with.
    ///
    /// # Errors
    /// If one of its own files is wrong.
    pub fn built_in() -> Result<Self> {
        let mut catalog = Self::default();
        for file in BUILT_IN.files().filter(|f| f.path().extension().is_some_and(|e| e == "toml")) {
            let text = file.contents_utf8().unwrap_or("");
            let resource = Resource::parse(&format!("data/resources/{}", file.path().display()), text)?;
            catalog.resources.insert(resource.name.clone(), Arc::new(resource));
        }
        Ok(catalog)
    }

    /// Adds the `*.toml` files of a directory; one with a name already there replaces it.
    ///
    /// # Errors
    /// If the directory cannot be read or a file is wrong; every wrong file is named.
    pub fn add_directory(&mut self, directory: &Path) -> Result<()> {
        let unreadable = || format!("the resource directory {} cannot be read", directory.display());
        let mut files = Vec::new();
        for entry in std::fs::read_dir(directory).or_err(Kind::Invalid, unreadable)? {
            files.push(entry.or_err(Kind::Invalid, unreadable)?.path());
        }
        files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
        files.sort();
        let mut wrong = Vec::new();
        let mut names = BTreeMap::new();
        for path in files {
            let shown = path.display().to_string();
            let parsed = std::fs::read_to_string(&path)
                .or_err(Kind::Invalid, || format!("{shown} cannot be read"))
                .and_then(|text| Resource::parse(&shown, &text));
            match parsed {
                Ok(resource) => {
                    if let Some(other) = names.insert(resource.name.clone(), shown.clone()) {
                        wrong.push(format!("{shown}: `name`: `{}` is already the name in {other}", resource.name));
                    }
                    self.resources.insert(resource.name.clone(), Arc::new(resource));
                }
                Err(error) => wrong.push(error.to_string()),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::invalid(wrong.join("\n"))) }
    }

    /// The resource of that name.
    ///
    /// # Errors
    /// If there is none; the nearest name is offered.
    pub fn get(&self, name: &str) -> Result<Arc<Resource>> {
        if let Some(resource) = self.resources.get(name) {
            return Ok(Arc::clone(resource));
        }
        let names = || self.resources.keys().map(String::as_str);
        let hint = match nearest(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", listed(names())),
        };
        Err(Error::not_found(format!("there is no resource `{name}`; {hint}")))
    }

    /// Every resource, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> + Clone {
        self.resources.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_the_program_comes_with_is_right() {
        let catalog = Catalog::built_in().expect("right files");
        for name in [
            "311-cases",
            "fire-ems-calls",
            "fire-incidents",
            "police-department-incidents",
            "traffic-crashes",
            "chicago-crimes",
        ] {
            catalog.get(name).expect(name);
        }
        let error = catalog.get("fire-incident").expect_err("no such resource").to_string();
        assert!(error.contains("did you mean `fire-incidents`?"), "{error}");
    }
}
