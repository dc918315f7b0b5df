//! The exact version of every table of a snapshot, as text, and the snapshot opened again.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use lake_model::{Error, Kind, Result};

use crate::snapshot::lake_snapshot::{DefinitionsChoice, LakeSnapshot, SnapshotTables};
use crate::snapshot::past_snapshot::check_files_exist;
use crate::snapshot::reader::Reader;

/// The version of every table of a snapshot. `Lake-Version` names only what counts are made of; this is all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotVersions {
    fast_counts: u64,
    counts: u64,
    rejects: u64,
    /// None where no boundaries have landed.
    boundaries: Option<u64>,
    /// By the name of the resource.
    raws: BTreeMap<String, u64>,
    /// Whose rules they are read by.
    definitions: DefinitionsChoice,
}

/// The member of the text that marks a snapshot with the definitions of its own time.
const STORED_DEFINITIONS: (&str, &str) = ("definitions", "then");

impl LakeSnapshot {
    /// Returns the versions of this snapshot. Those of `incidents` follow from `counts`.
    pub fn versions(&self) -> SnapshotVersions {
        SnapshotVersions {
            fast_counts: self.fast_counts.version,
            counts: self.counts.version,
            rejects: self.rejects.version,
            boundaries: self.boundaries.as_ref().map(|snapshot| snapshot.version),
            raws: self.resources.iter().map(|(name, resource)| (name.clone(), resource.raw.version)).collect(),
            definitions: self.definitions,
        }
    }
}

impl fmt::Display for SnapshotVersions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fast_counts={},counts={},rejects={}", self.fast_counts, self.counts, self.rejects)?;
        self.boundaries.iter().try_for_each(|version| write!(f, ",boundaries={version}"))?;
        self.raws.iter().try_for_each(|(name, version)| write!(f, ",raw/{name}={version}"))?;
        match self.definitions {
            DefinitionsChoice::Current => Ok(()),
            DefinitionsChoice::Stored => write!(f, ",{}={}", STORED_DEFINITIONS.0, STORED_DEFINITIONS.1),
        }
    }
}

impl FromStr for SnapshotVersions {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut versions = BTreeMap::new();
        let mut definitions = DefinitionsChoice::Current;
        for part in text.split(',') {
            if part.split_once('=') == Some(STORED_DEFINITIONS) {
                definitions = DefinitionsChoice::Stored;
                continue;
            }
            let known = part.split_once('=').and_then(|(table, version)| Some((table, version.parse::<u64>().ok()?)));
            let (table, version) =
                known.ok_or_else(|| Error::invalid(format!("`{part}` is not a version of a table")))?;
            versions.insert(table, version);
        }
        let mut taken = |table: &str| {
            versions.remove(table).ok_or_else(|| Error::invalid(format!("`{text}` has no version of {table}")))
        };
        let (fast_counts, counts, rejects) = (taken("fast_counts")?, taken("counts")?, taken("rejects")?);
        let boundaries = versions.remove("boundaries");
        let mut raws = BTreeMap::new();
        for (table, version) in versions {
            let name = table.strip_prefix("raw/").ok_or_else(|| Error::invalid(format!("`{table}` is not a table")))?;
            raws.insert(name.to_owned(), version);
        }
        Ok(Self { fast_counts, counts, rejects, boundaries, raws, definitions })
    }
}

impl Reader {
    /// Opens a snapshot again, whatever has landed since.
    ///
    /// # Errors
    /// Of kind [`Kind::Gone`] if one of the versions cannot be read any more.
    pub async fn open_versions(&self, versions: &SnapshotVersions) -> Result<Arc<LakeSnapshot>> {
        let newest = self.open_newest().await?;
        if newest.versions() == *versions {
            return Ok(newest);
        }
        let lake = self.lake();
        let fast_counts = self.open_table_at(&lake.fast_counts, versions.fast_counts).await?;
        let counts = self.open_table_at(&lake.counts, versions.counts).await?;
        let rejects = self.open_table_at(&lake.rejects, versions.rejects).await?;
        let boundaries = match versions.boundaries {
            // Without the table there is no version that could have been read.
            Some(version) if newest.boundaries.is_some() => Some(self.open_table_at(&lake.boundaries, version).await?),
            _ => None,
        };
        let mut raws = Vec::new();
        for (name, version) in &versions.raws {
            // A name may come from a client: it opens only tables of the lake.
            if !newest.resources.contains_key(name) {
                return Err(Error::not_found(format!("there is no table raw/{name} in {}", lake.location())));
            }
            raws.push((name.clone(), self.open_table_at(&self.lake().raw(name)?, *version).await?));
        }
        let tables = SnapshotTables { fast_counts, counts, rejects, boundaries, raws };
        let lake_snapshot =
            self.assemble_snapshot(tables, versions.definitions).await.map_err(|error| match error.kind() {
                Kind::NotFound => Error::new(Kind::Gone, error.to_string()),
                _ => error,
            })?;
        check_files_exist(&lake_snapshot).await?;
        Ok(lake_snapshot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_as_they_are_shown_and_other_texts_are_refused() {
        let raws = [("311-cases".to_owned(), 7)].into();
        let versions = SnapshotVersions {
            fast_counts: 12,
            counts: 5,
            rejects: 3,
            boundaries: None,
            raws,
            definitions: DefinitionsChoice::Current,
        };
        let text = versions.to_string();
        assert_eq!(text, "fast_counts=12,counts=5,rejects=3,raw/311-cases=7");
        assert_eq!(text.parse::<SnapshotVersions>().expect("versions"), versions);
        let versions = SnapshotVersions { boundaries: Some(2), ..versions };
        let text = versions.to_string();
        assert_eq!(text, "fast_counts=12,counts=5,rejects=3,boundaries=2,raw/311-cases=7");
        assert_eq!(text.parse::<SnapshotVersions>().expect("versions"), versions);
        let versions = SnapshotVersions { definitions: DefinitionsChoice::Stored, ..versions };
        let text = versions.to_string();
        assert_eq!(text, "fast_counts=12,counts=5,rejects=3,boundaries=2,raw/311-cases=7,definitions=then");
        assert_eq!(text.parse::<SnapshotVersions>().expect("versions"), versions);
        for wrong in ["", "counts=5", "fast_counts=1,counts=2,rejects=x", "fast_counts=1,counts=2,rejects=3,other=4"] {
            assert_eq!(wrong.parse::<SnapshotVersions>().expect_err(wrong).kind(), Kind::Invalid);
        }
    }
}
