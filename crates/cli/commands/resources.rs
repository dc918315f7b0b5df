//! `resources`, `openapi` and `completions`: what the program knows of itself.

use clap::CommandFactory as _;
use lake_model::{Error, Known, Result};
use lake_query::Queries;
use serde_json::{Value, json};

use crate::args::{Args, Global, Resources, ResourcesCommand};
use crate::{context, output};

pub(crate) fn run(global: &Global, args: Resources) -> Result<u8> {
    let catalog = context::catalog(global)?;
    match args.command {
        ResourcesCommand::List { format } => {
            let resources = catalog.iter().map(|r| {
                json!({
                    "name": r.name, "kind": "incidents", "city": r.city, "portal": r.portal, "dataset": r.dataset,
                    "cadence_seconds": r.cadence.seconds, "title": r.title,
                })
            });
            let boundaries = catalog.boundaries().map(|b| {
                json!({
                    "name": b.name, "kind": "boundaries", "city": b.city, "portal": b.portal, "dataset": b.dataset,
                    "cadence_seconds": b.cadence.seconds, "title": b.title,
                })
            });
            output::print_rows(&resources.chain(boundaries).collect::<Vec<Value>>(), format)?;
        }
        ResourcesCommand::Show { name } => {
            let text = match catalog.known(&name)? {
                Known::Incidents(resource) => serde_json::to_string_pretty(resource.as_ref()),
                Known::Boundaries(boundaries) => serde_json::to_string_pretty(boundaries.as_ref()),
            };
            let text = text.map_err(|e| Error::internal("a resource as JSON").with_source(e))?;
            output::print(&format!("{text}\n"))?;
        }
    }
    Ok(0)
}

pub(crate) fn openapi() -> Result<u8> {
    let text = serde_json::to_string_pretty(&lake_serve::openapi(&Queries::built_in()?))
        .map_err(|e| Error::internal("the OpenAPI document as JSON").with_source(e))?;
    output::print(&format!("{text}\n"))?;
    Ok(0)
}

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "hotspots-lake", &mut script);
    let script = String::from_utf8_lossy(&script);
    // Of the hyphen in our name the library makes one thing where it says which command the words name, and another where
    // it says what that command takes.
    output::print(&script.replace("hotspots__subcmd__lake__subcmd__", "hotspots__lake__subcmd__"))?;
    Ok(0)
}
