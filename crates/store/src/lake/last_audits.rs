//! The results of the last audit of each resource, in one small object next to the tables. They only inform: no count
//! depends on them, and an unreadable object counts as absent.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound as _, Utc};
use futures::future::join_all;
use lake_model::{Kind, Result, ResultExt, Window};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::Lake;

/// Whether lake and portal differed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// They did not.
    #[serde(rename = "none")]
    Agreed,
    /// They did.
    Drift,
    /// The source kept changing, so the comparison proves nothing.
    Inconclusive,
}

/// The result of the last audit of a resource: numbers, never a row or a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAudit {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The window that was compared; none if it was all.
    pub window: Option<String>,
    /// Whether they differed.
    pub outcome: AuditOutcome,
    /// Lake minus portal, added up with signs; none if inconclusive.
    pub drift: Option<i64>,
    /// In how many months and categories they differed; none if inconclusive.
    pub differences: Option<u64>,
}

impl LastAudit {
    /// Creates an audit of the current time of which only the outcome is known.
    pub fn new(window: Option<Window>, outcome: AuditOutcome) -> Self {
        let window = window.map(|window| window.to_string());
        Self { at: lake_model::now().trunc_subsecs(3), window, outcome, drift: None, differences: None }
    }
}

impl Lake {
    /// Remembers the last audit of a resource in place of the one before.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn save_last_audit(&self, resource: &str, audit: &LastAudit) -> Result<()> {
        let text = serde_json::to_vec(audit).or_err(Kind::Internal, || "what an audit found, as JSON")?;
        let path = self.audit_path(resource);
        let put = self.location().store.put(&path, text.into()).await;
        put.map(|_| ()).or_err(Kind::Unavailable, || format!("writing {path} of the lake in {}", self.location()))
    }

    /// Returns the last audits of resources, by name, all read at once. One that was never made is absent; so is one
    /// that cannot be read, of which the log has a warning.
    pub async fn read_last_audits(&self, resources: impl IntoIterator<Item = &String>) -> BTreeMap<String, LastAudit> {
        let read = resources.into_iter().map(|name| async move {
            let found = self.read_last_audit(name).await.unwrap_or_else(|error| {
                tracing::warn!("{error}; the next `hotspots-lake audit --resource {name}` writes it again");
                None
            });
            Some((name.clone(), found?))
        });
        join_all(read).await.into_iter().flatten().collect()
    }

    async fn read_last_audit(&self, resource: &str) -> Result<Option<LastAudit>> {
        let path = self.audit_path(resource);
        let failed = || format!("reading {path} of the lake in {}", self.location());
        let found = match self.location().store.get(&path).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            found => found.or_err(Kind::Unavailable, failed)?,
        };
        let bytes = found.bytes().await.or_err(Kind::Unavailable, failed)?;
        serde_json::from_slice(&bytes).map(Some).or_err(Kind::Data, failed)
    }

    fn audit_path(&self, resource: &str) -> Path {
        self.location().path(&format!("_audits/{resource}.json"))
    }
}
