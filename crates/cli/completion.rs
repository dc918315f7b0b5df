//! Shell completion: the scripts that shells load, and the words they then ask this program for.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::env::Shells;
use clap_complete::{ArgValueCandidates, CompleteEnv, CompletionCandidate};
use lake_model::{Catalog, Error, Result};
use lake_query::Queries;

use crate::args::Args;

/// The variable by which a shell's script asks for words.
const VARIABLE: &str = "COMPLETE";
const PROGRAM: &str = "hotspots-lake";

/// Answers a shell that asks for words; false if none asks.
pub(crate) fn answer() -> bool {
    let directory = std::env::current_dir().ok();
    let environment = CompleteEnv::with_factory(Args::command).var(VARIABLE);
    // A shell that is given no words offers none, which is all that can be said to it.
    environment.try_complete(std::env::args_os(), directory.as_deref()).unwrap_or(true)
}

/// Returns the script by which a shell asks this program for words.
///
/// # Errors
/// If the shell is not known, which the parser of the command line excludes.
pub(crate) fn script(shell: clap_complete::Shell) -> Result<String> {
    let (name, shells) = (shell.to_string(), Shells::builtins());
    let completer = shells.completer(&name).ok_or_else(|| Error::internal(format!("completions of {name}")))?;
    let mut script = Vec::new();
    completer
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .map_err(|error| Error::internal(format!("the completions of {name}")).with_source(error))?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

/// The names of resources and boundaries: those the program comes with, and those of `HOTSPOTS_RESOURCES`.
pub(crate) fn resources() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let Ok(mut catalog) = Catalog::built_in() else { return Vec::new() };
        if let Some(directory) = directory_of("HOTSPOTS_RESOURCES") {
            // A wrong file is reported by the command, not while its line is typed.
            let _ = catalog.add_directory(&directory);
        }
        let incidents = catalog.iter().map(|resource| candidate(&resource.name, &resource.title));
        let boundaries = catalog.boundaries().map(|boundaries| candidate(&boundaries.name, &boundaries.title));
        incidents.chain(boundaries).collect()
    })
}

/// The names of queries: those the program comes with, and those of `HOTSPOTS_QUERIES`.
pub(crate) fn queries() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let Ok(mut queries) = Queries::built_in() else { return Vec::new() };
        if let Some(own) = directory_of("HOTSPOTS_QUERIES").and_then(|path| Queries::from_directory(&path).ok()) {
            queries = queries.with_overrides(&own);
        }
        queries.iter().map(|query| candidate(query.name(), query.title())).collect()
    })
}

fn candidate(name: &str, title: &str) -> CompletionCandidate {
    CompletionCandidate::new(name).help(Some(title.to_owned().into()))
}

fn directory_of(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}
