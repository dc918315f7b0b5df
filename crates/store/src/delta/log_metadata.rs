//! What the log of one version of a table holds next to its files.

use std::collections::HashMap;

use serde::Deserialize;

use crate::objects::checksums::{Checksum, compute_checksum};

/// What is known of one version.
#[derive(Clone, Debug, Default)]
pub(super) struct LogMetadata {
    pub(super) version: u64,
    /// The checksum of its entry; `None` if the log does not hold it.
    pub(super) entry: Option<Checksum>,
    /// The texts of metadata domains, where they were asked for or set.
    pub(super) domains: HashMap<String, Option<String>>,
    /// The last versions that applications committed, where they were asked for or set.
    pub(super) transactions: HashMap<String, Option<i64>>,
}

/// An action of a log entry, if it is one of these.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    txn: Option<Transaction>,
    domain_metadata: Option<DomainMetadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    app_id: String,
    version: i64,
}

#[derive(Deserialize)]
struct DomainMetadata {
    domain: String,
    configuration: String,
    #[serde(default)]
    removed: bool,
}

impl LogMetadata {
    /// Applies the entry of the next version; `None` if it cannot be read.
    pub(super) fn apply(&mut self, entry: &[u8]) -> Option<()> {
        for action in serde_json::Deserializer::from_slice(entry).into_iter::<Action>() {
            let action = action.ok()?;
            if let Some(Transaction { app_id, version }) = action.txn {
                self.transactions.insert(app_id, Some(version));
            }
            if let Some(DomainMetadata { domain, configuration, removed }) = action.domain_metadata {
                self.domains.insert(domain, (!removed).then_some(configuration));
            }
        }
        self.version += 1;
        self.entry = Some(compute_checksum(entry));
        Some(())
    }
}
