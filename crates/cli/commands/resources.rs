//! `resources` and `openapi`: the definitions of the program.

use lake_model::{CatalogEntry, Error, Result};
use lake_portal::draft_resource;
use lake_query::Queries;
use serde_json::{Value, json};

use crate::args::{Global, Resources, ResourcesCommand};
use crate::{context, output};

pub(crate) async fn run(global: &Global, args: Resources) -> Result<u8> {
    let given = context::load_catalog(global)?;
    let catalog = context::load_effective_catalog(global).await.unwrap_or_else(|error| {
        output::note(&format!("warning: the definitions of the lake are left out: {error}"));
        given
    });
    match args.command {
        ResourcesCommand::List { format } => {
            let resources = catalog.iter().map(|r| {
                json!({
                    "name": r.name, "kind": "incidents", "city": r.city, "portal": r.portal, "dataset": r.dataset,
                    "cadence_seconds": r.cadence.seconds, "defined_by": r.definition.origin, "title": r.title,
                })
            });
            let boundaries = catalog.boundaries().map(|b| {
                json!({
                    "name": b.name, "kind": "boundaries", "city": b.city, "portal": b.portal, "dataset": b.dataset,
                    "cadence_seconds": b.cadence.seconds, "defined_by": b.definition.origin, "title": b.title,
                })
            });
            output::print_rows(&resources.chain(boundaries).collect::<Vec<Value>>(), format)?;
        }
        ResourcesCommand::Show { name } => {
            let text = match catalog.find_entry(&name)? {
                CatalogEntry::Incidents(resource) => serde_json::to_string_pretty(resource.as_ref()),
                CatalogEntry::Boundaries(boundaries) => serde_json::to_string_pretty(boundaries.as_ref()),
            };
            let text = text.map_err(|e| Error::internal("a resource as JSON").with_source(e))?;
            output::print(&format!("{text}\n"))?;
        }
        ResourcesCommand::Init { file, name } => {
            output::print(&draft_resource(&file, name.as_deref())?)?;
            output::note(
                "A draft: fill in the portal, the dataset, the city and the zone, and check the key and the roles.",
            );
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
