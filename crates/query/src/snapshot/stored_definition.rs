//! The definitions that a lake keeps: under which each resource and each set of boundaries landed, so that the lake
//! explains itself to a program that was given no file of them.
//!
//! A definition is in the log of the table that it explains, set by the commit that first lands rows under it: a reader
//! of a version of the table has the definition of its rows, and time travel has the one of that time.

use std::collections::BTreeSet;
use std::sync::Arc;

use lake_model::{Catalog, Definition, Error, Kind, Result, ResultExt as _, StoredDefinition};
use lake_store::{Commit, DEFINITION_DOMAIN, DomainChange, Snapshot, Table, boundaries_definition_domain};

use crate::snapshot::lake_snapshot::LakeSnapshot;
use crate::snapshot::reader::{Reader, StoredDefinitions};

/// Times that a definition is stored again because another writer was first.
const MAX_TRIES: u32 = 5;

/// Returns the definition that a version of a table keeps; none in lakes of version 0.1.0.
///
/// # Errors
/// If the log cannot be read or its content is damaged.
pub async fn stored_definition(table: &Table, snapshot: &Snapshot, domain: &str) -> Result<Option<StoredDefinition>> {
    let text = table.read_domain(snapshot, domain).await?;
    let damaged = || format!("the metadata {domain} of table {}", table.name());
    text.map(|text| serde_json::from_str(&text).or_err(Kind::Data, damaged)).transpose()
}

/// Returns the change that stores a definition in place of the stored one; `None` if that may stay.
///
/// # Errors
/// Never, as texts are JSON.
pub fn definition_change(
    definition: &Definition,
    stored: Option<&StoredDefinition>,
    domain: &str,
) -> Result<Option<(StoredDefinition, DomainChange)>> {
    let Some(new) = definition.to_store(stored) else { return Ok(None) };
    let text = serde_json::to_string(&new).or_err(Kind::Internal, || "a definition as JSON")?;
    // The last to land decides: its rows are the newest.
    Ok(Some((new, DomainChange { name: domain.to_owned(), expected: None, text })))
}

/// Stores a definition by a commit of its own, unless it is stored already.
///
/// # Errors
/// If the store does not answer.
pub async fn store_definition(table: &Table, definition: &Definition, domain: &str) -> Result<()> {
    for _ in 0..MAX_TRIES {
        let snapshot = table.snapshot().await?;
        let stored = table.read_domain(&snapshot, domain).await?;
        let parsed = stored_definition(table, &snapshot, domain).await?;
        let Some((_, change)) = definition_change(definition, parsed.as_ref(), domain)? else { return Ok(()) };
        let change = DomainChange { expected: Some(stored), ..change };
        let commit = Commit { operation: "DEFINE", domains: vec![change], ..Commit::default() };
        match table.commit(&commit).await {
            Ok(_) => return Ok(()),
            // Another writer stored one meanwhile.
            Err(error) if error.kind() == Kind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
    Err(Error::new(Kind::Conflict, format!("table {}: other writers kept changing its definition", table.name())))
}

impl Reader {
    /// Returns the definitions that hold now: those this reader was made with, and those of the lake.
    ///
    /// # Errors
    /// If the store does not answer or a log is damaged.
    pub async fn catalog(&self) -> Result<Arc<Catalog>> {
        let landed = self.lake().find_landed_resources().await?;
        let (raws, boundaries) = futures::try_join!(self.open_raw_tables(&landed), self.open_boundaries())?;
        let stored = self.read_stored_definitions(&raws, boundaries.as_deref()).await?;
        Ok(self.catalog_with(stored))
    }

    /// Returns the definition of a resource that the raw table of a snapshot keeps.
    ///
    /// # Errors
    /// If the log cannot be read or its content is damaged.
    pub async fn stored_definition_of(
        &self,
        lake_snapshot: &LakeSnapshot,
        name: &str,
    ) -> Result<Option<Arc<StoredDefinition>>> {
        let Some(resource) = lake_snapshot.resources.get(name) else { return Ok(None) };
        let stored = stored_definition(&self.lake().raw(name)?, &resource.raw, DEFINITION_DOMAIN).await?;
        Ok(stored.map(Arc::new))
    }

    /// Reads the definitions that these versions store.
    pub(crate) async fn read_stored_definitions(
        &self,
        raws: &[(String, Arc<Snapshot>)],
        boundaries: Option<&Snapshot>,
    ) -> Result<StoredDefinitions> {
        let mut found = StoredDefinitions::new();
        for (name, raw) in raws {
            let stored = stored_definition(&self.lake().raw(name)?, raw, DEFINITION_DOMAIN).await?;
            found.extend(stored.map(|stored| (name.clone(), Arc::new(stored))));
        }
        let Some(snapshot) = boundaries else { return Ok(found) };
        let sets: BTreeSet<&str> = snapshot.files.iter().filter_map(|file| file.partition_value("resource")).collect();
        for name in sets {
            // No resource has the name of a set.
            let domain = boundaries_definition_domain(name);
            let stored = stored_definition(&self.lake().boundaries, snapshot, &domain).await?;
            found.extend(stored.map(|stored| (name.to_owned(), Arc::new(stored))));
        }
        Ok(found)
    }

    /// Returns the current definitions: see [`Catalog::with_stored`].
    pub(crate) fn catalog_with(&self, stored: StoredDefinitions) -> Arc<Catalog> {
        let mut current = self.catalog.lock();
        if current.as_ref().is_none_or(|(of, _)| *of != stored) {
            let (catalog, wrong) = self.configured.with_stored(&stored);
            warn_of_damaged(&wrong);
            *current = Some((stored, Arc::new(catalog)));
        }
        current.as_ref().map_or_else(|| Arc::clone(&self.configured), |(_, catalog)| Arc::clone(catalog))
    }

    /// Returns the definitions of an earlier time: see [`Catalog::as_stored`].
    pub(crate) fn catalog_as_stored(&self, stored: &StoredDefinitions) -> Arc<Catalog> {
        let (catalog, wrong) = self.configured.as_stored(stored);
        warn_of_damaged(&wrong);
        Arc::new(catalog)
    }
}

fn warn_of_damaged(wrong: &[Error]) {
    for error in wrong {
        tracing::warn!("{error}; if a newer program wrote it, use that one, or give a file of it with --resources");
    }
}
