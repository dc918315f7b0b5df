//! The Python that has the readers and the oracles.

use std::path::PathBuf;
use std::process::Command;

use lake_testkit::missing_tool;

/// Returns a Python that has these modules; without one the test reports that it did not run.
pub(crate) fn python_with(test: &str, modules: &str) -> Option<PathBuf> {
    let python = std::env::var_os("HOTSPOTS_PYTHON").map(PathBuf::from).filter(|python| {
        let has = Command::new(python).args(["-c", &format!("import {modules}")]).output();
        has.is_ok_and(|output| output.status.success())
    });
    if python.is_none() {
        let how = "pip install -r tests/requirements.txt, and set HOTSPOTS_PYTHON to that Python";
        missing_tool(test, &format!("a Python with {modules}"), how);
    }
    python
}
