//! The resources and boundaries of the program: those it comes with, and a user's own directory of files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::{
    Boundaries, Definition, Error, Kind, Origin, Resource, Result, ResultExt, StoredDefinition, listed, nearest,
    read_regular_file,
};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../data/resources");

/// Resources and boundaries by name; no two of them share one.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    resources: BTreeMap<String, Arc<Resource>>,
    boundaries: BTreeMap<String, Arc<Boundaries>>,
}

/// The entry that a name refers to.
#[derive(Clone, Debug)]
pub enum CatalogEntry {
    /// A resource, whose rows are incidents.
    Incidents(Arc<Resource>),
    /// A set of boundaries.
    Boundaries(Arc<Boundaries>),
}

impl CatalogEntry {
    fn parse(file: &str, text: &str, origin: Origin) -> Result<Self> {
        let definition = Definition { toml: text.to_owned(), origin };
        Ok(if Boundaries::is_boundaries_file(text) {
            Self::Boundaries(Arc::new(Boundaries { definition, ..Boundaries::parse(file, text)? }))
        } else {
            Self::Incidents(Arc::new(Resource { definition, ..Resource::parse(file, text)? }))
        })
    }

    /// Returns its definition as it was written.
    pub fn definition(&self) -> &Definition {
        match self {
            Self::Incidents(resource) => &resource.definition,
            Self::Boundaries(boundaries) => &boundaries.definition,
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Incidents(resource) => &resource.name,
            Self::Boundaries(boundaries) => &boundaries.name,
        }
    }
}

impl Catalog {
    /// Returns the resources and boundaries the program comes with.
    ///
    /// # Errors
    /// If one of its own files is wrong.
    pub fn built_in() -> Result<Self> {
        let mut catalog = Self::default();
        let own = BUILT_IN.files().chain(BUILT_IN.get_dir("boundaries").into_iter().flat_map(Dir::files));
        for file in own.filter(|f| f.path().extension().is_some_and(|e| e == "toml")) {
            let text = file.contents_utf8().unwrap_or("");
            let name = format!("data/resources/{}", file.path().display());
            catalog.insert(CatalogEntry::parse(&name, text, Origin::Program)?);
        }
        for (name, boundaries) in &catalog.boundaries {
            catalog.check_resources(boundaries, &format!("data/resources/boundaries/{name}.toml"))?;
        }
        Ok(catalog)
    }

    /// Fails unless the resources that a set of boundaries labels are there and have such a label; `file` names it in
    /// errors.
    fn check_resources(&self, boundaries: &Boundaries, file: &str) -> Result<()> {
        for name in &boundaries.resources {
            let Some(resource) = self.iter().find(|resource| resource.name == *name) else {
                let names = || self.iter().map(|resource| resource.name.as_str());
                let hint = match nearest(name, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are {}", listed(names())),
                };
                return Err(Error::invalid(format!("{file}: `resources`: there is no resource `{name}`; {hint}")));
            };
            if boundaries.dimension.column(resource).is_none() {
                let dimension = boundaries.dimension.name();
                let text = format!(
                    "{file}: `resources`: no column of `{name}` has the role `{dimension}`; leave it out, or give it one"
                );
                return Err(Error::invalid(text));
            }
        }
        Ok(())
    }

    /// Returns a catalog of these resources, without boundaries.
    pub fn from_resources(resources: impl IntoIterator<Item = Resource>) -> Self {
        let named = resources.into_iter().map(|resource| (resource.name.clone(), Arc::new(resource)));
        Self { resources: named.collect(), ..Self::default() }
    }

    fn insert(&mut self, known: CatalogEntry) {
        let name = known.name().to_owned();
        self.resources.remove(&name);
        self.boundaries.remove(&name);
        match known {
            CatalogEntry::Incidents(resource) => drop(self.resources.insert(name, resource)),
            CatalogEntry::Boundaries(boundaries) => drop(self.boundaries.insert(name, boundaries)),
        }
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
            let parsed = read_regular_file(&path).and_then(|text| CatalogEntry::parse(&shown, &text, Origin::File));
            match parsed {
                Ok(known) => {
                    if let Some(other) = names.insert(known.name().to_owned(), shown.clone()) {
                        wrong.push(format!("{shown}: `name`: `{}` is already the name in {other}", known.name()));
                    }
                    self.insert(known);
                }
                Err(error) => wrong.push(error.to_string()),
            }
        }
        // Which resources there are is known once all files are read.
        for (name, boundaries) in &self.boundaries {
            if let Some(Err(error)) = names.get(name).map(|file| self.check_resources(boundaries, file)) {
                wrong.push(error.to_string());
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::invalid(wrong.join("\n"))) }
    }

    /// Returns the same catalog with the definitions that a lake keeps, by name, where they hold: see
    /// [`StoredDefinition::outranks`]. Those that this program cannot read are left out and returned as errors.
    pub fn with_stored(&self, stored: &BTreeMap<String, Arc<StoredDefinition>>) -> (Self, Vec<Error>) {
        let outranks = |name: &str, stored: &StoredDefinition| match self.find_entry(name) {
            Ok(known) => stored.outranks(known.definition().origin),
            Err(_) => true,
        };
        self.with_those(stored.iter().filter(|(name, stored)| outranks(name, stored)))
    }

    /// Returns the same catalog with the definitions that a lake kept at an earlier time, by name, whatever else
    /// defines them today.
    pub fn as_stored(&self, stored: &BTreeMap<String, Arc<StoredDefinition>>) -> (Self, Vec<Error>) {
        self.with_those(stored.iter())
    }

    fn with_those<'s>(
        &self,
        stored: impl Iterator<Item = (&'s String, &'s Arc<StoredDefinition>)>,
    ) -> (Self, Vec<Error>) {
        let (mut catalog, mut wrong) = (self.clone(), Vec::new());
        for (name, stored) in stored {
            match CatalogEntry::parse(&format!("the definition of {name} in the lake"), &stored.toml, Origin::Lake) {
                Ok(known) if known.name() == name => catalog.insert(known),
                Ok(known) => wrong.push(Error::new(
                    Kind::Data,
                    format!("the lake stores the definition of {} as that of {name}", known.name()),
                )),
                Err(error) => wrong.push(error),
            }
        }
        (catalog, wrong)
    }

    /// Returns the resource of that name.
    ///
    /// # Errors
    /// If there is none; the error names the nearest name.
    pub fn get(&self, name: &str) -> Result<Arc<Resource>> {
        match self.find_entry(name) {
            Ok(CatalogEntry::Incidents(resource)) => Ok(resource),
            Ok(CatalogEntry::Boundaries(_)) => Err(Error::not_found(format!(
                "`{name}` is a set of boundaries, of which nothing is counted; there are {}",
                listed(self.resources.keys().map(String::as_str))
            ))),
            Err(_) => Err(unknown_resource_error(name, self.resources.keys().map(String::as_str))),
        }
    }

    /// Returns the resource or the boundaries of that name.
    ///
    /// # Errors
    /// If there is neither; the nearest name is offered.
    pub fn find_entry(&self, name: &str) -> Result<CatalogEntry> {
        if let Some(resource) = self.resources.get(name) {
            return Ok(CatalogEntry::Incidents(Arc::clone(resource)));
        }
        if let Some(boundaries) = self.boundaries.get(name) {
            return Ok(CatalogEntry::Boundaries(Arc::clone(boundaries)));
        }
        Err(unknown_resource_error(name, self.resources.keys().chain(self.boundaries.keys()).map(String::as_str)))
    }

    /// Returns every resource, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Resource>> + Clone {
        self.resources.values()
    }

    /// Returns every set of boundaries, by name.
    pub fn boundaries(&self) -> impl Iterator<Item = &Arc<Boundaries>> + Clone {
        self.boundaries.values()
    }
}

fn unknown_resource_error<'n>(name: &str, names: impl Iterator<Item = &'n str> + Clone) -> Error {
    let hint = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", listed(names)),
    };
    Error::not_found(format!("there is no resource `{name}`; {hint}"))
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

    #[test]
    fn boundaries_are_known_by_name_and_are_no_resources() {
        let catalog = Catalog::built_in().expect("right files");
        assert!(matches!(catalog.find_entry("sf-neighborhoods"), Ok(CatalogEntry::Boundaries(_))));
        assert!(catalog.iter().all(|resource| resource.name != "sf-neighborhoods"));
        let error = catalog.get("sf-neighborhoods").expect_err("nothing counted").to_string();
        assert!(error.contains("set of boundaries"), "{error}");
        let error = catalog.find_entry("sf-neighborhood").expect_err("no such name").to_string();
        assert!(error.contains("did you mean `sf-neighborhoods`?"), "{error}");
    }

    #[test]
    fn boundaries_that_label_what_is_not_there_are_refused_with_the_file() {
        let directory = std::env::temp_dir().join(format!("boundaries-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let file = directory.join("wards.toml");
        let text = |resource: &str, dimension: &str| {
            format!(
                "name = \"wards\"\ntitle = \"Wards\"\nportal = \"https://example.org\"\ndataset = \"aaaa-bbbb\"\n\
                 city = \"C\"\ncadence = \"30d\"\n[boundaries]\ndimension = \"{dimension}\"\nlabel = \"ward\"\n\
                 geometry = \"the_geom\"\nresources = [\"{resource}\"]\n"
            )
        };
        let add = |text: String| {
            std::fs::write(&file, text).expect("a file");
            Catalog::built_in().expect("right files").add_directory(&directory)
        };
        add(text("311-cases", "district")).expect("right");
        let error = add(text("311-case", "district")).expect_err("no such resource").to_string();
        assert!(error.contains("wards.toml") && error.contains("did you mean `311-cases`?"), "{error}");
        std::fs::remove_dir_all(&directory).expect("removed");
    }
}
