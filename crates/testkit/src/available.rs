//! The resources of this machine: the real rows, and the tools a test may need.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the folder of real published rows, or `None` if it is absent.
///
/// `HOTSPOTS_SHARED_DATA` names it; the default is `shared/data` next to the workspace.
#[must_use]
pub fn shared_data() -> Option<PathBuf> {
    let folder = match env::var_os("HOTSPOTS_SHARED_DATA") {
        Some(named) => PathBuf::from(named),
        None => workspace().join("../shared/data"),
    };
    folder.canonicalize().ok().filter(|path| path.is_dir())
}

/// Says on stderr that a test did not run and why. Never fails: real rows are not in the repository.
pub fn not_run(test: &str, what: &str, how: &str) {
    eprintln!("NOT RUN {test}: {what} is missing; {how}");
}

/// Reports that a test did not run, as [`not_run`], for a tool that a complete machine has: fails if `REQUIRE_TOOLS=1`.
///
/// # Panics
/// When `REQUIRE_TOOLS` is `1`.
pub fn missing_tool(test: &str, what: &str, how: &str) {
    not_run(test, what, how);
    assert!(env::var_os("REQUIRE_TOOLS").is_none_or(|value| value != "1"), "{test}: {what} is required here; {how}");
}

fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}

#[cfg(test)]
mod tests {
    use super::{not_run, workspace};

    #[test]
    fn the_workspace_is_the_folder_that_holds_the_crates() {
        assert!(workspace().join("crates/testkit/Cargo.toml").is_file());
    }

    #[test]
    fn a_test_that_did_not_run_does_not_fail() {
        not_run("a test", "a file", "put it there");
    }
}
