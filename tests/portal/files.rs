//! Saved files and what becomes of them.

use lake_testkit::{Output, Program};
use serde_json::{Value, json};

use crate::harness::{define_resource, program_without_portal};

/// A resource into which saved files are ingested, and the directory that they are in.
pub(crate) struct Files {
    pub(crate) program: Program,
    pub(crate) folder: tempfile::TempDir,
    resource: String,
    options: &'static [&'static str],
}

impl Files {
    /// Takes a resource of the program.
    pub(crate) fn bundled(resource: &str) -> Self {
        let (program, folder) = program_without_portal();
        Self { program, folder, resource: resource.to_owned(), options: &["--page-size", "2"] }
    }

    /// Defines a resource whose files are read in pages of two rows.
    pub(crate) fn in_pages_of_two(definition: &str) -> Self {
        Self { options: &["--page-size", "2"], ..Self::of(definition) }
    }

    /// Defines a resource.
    pub(crate) fn of(definition: &str) -> Self {
        let name = definition.lines().find_map(|line| line.strip_prefix("name = ")).expect("a name");
        let resource = name.trim_matches('"').to_owned();
        let (program, folder) = program_without_portal();
        let program = define_resource(program, folder.path(), &resource, definition);
        Self { program, folder, resource, options: &[] }
    }

    /// Ingests a file that is in the directory.
    pub(crate) fn ingest_file(&self, name: &str) -> Output {
        self.program.run(&[&["ingest", &self.resource, "--file", name], self.options].concat())
    }

    fn ingest(&self, name: &str, text: impl AsRef<[u8]>) -> Output {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self.ingest_file(name)
    }

    /// Lands a file, and returns its messages.
    pub(crate) fn land(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let said = self.ingest(name, text).success().stderr;
        assert_no_row_is_lost(&said);
        said
    }

    /// Fails unless the file is refused by its name and in these words, and nothing of it landed.
    pub(crate) fn refused(&self, name: &str, text: impl AsRef<[u8]>, says: &str) {
        let said = self.ingest(name, text).expect_status(2).stderr;
        assert!(said.contains(name) && said.contains(says), "{name}: {said}");
        assert_eq!(self.sql("SELECT COUNT(*) AS n FROM incidents"), json!([{"n": 0}]), "{name}");
    }

    pub(crate) fn sql(&self, query: &str) -> Value {
        Value::from(self.program.sql(query))
    }
}

/// Fails unless every row that was read is new, changed, unchanged, stale or a reject, by the summary of a run.
fn assert_no_row_is_lost(said: &str) {
    let (before, after) = said.split_once(" pages: ").expect("a summary");
    let number = |text: &str| text.trim().split(' ').next().and_then(|n| n.parse::<u64>().ok()).expect("a number");
    let rows = before.rsplit(": ").next().map(number).expect("the rows");
    let became: u64 = after.split(';').next().expect("what they became").split(',').map(number).sum();
    assert_eq!(rows, became, "{said}");
}
