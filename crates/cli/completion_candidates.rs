//! The candidates for an argument: names of resources and of queries.

use std::path::PathBuf;

use clap_complete::{ArgValueCandidates, CompletionCandidate};
use lake_model::Catalog;
use lake_query::Queries;

/// Returns the names of resources and boundaries: the built-in ones, and those of `HOTSPOTS_RESOURCES`.
pub(crate) fn complete_resources() -> ArgValueCandidates {
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

/// Returns the names of queries: the built-in ones, and those of `HOTSPOTS_QUERIES`.
pub(crate) fn complete_queries() -> ArgValueCandidates {
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
