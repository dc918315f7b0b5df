//! The data that is derived from a landed batch and committed under its number: its rejects and its fast counts.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use lake_model::{Kind, Result, ResultExt, failpoint};
use lake_store::{
    Commit, CommitOutcome, CountedDefinitions, DomainChange, Table, fast_counts_transaction, rejects_transaction,
};
use serde_json::json;

use crate::index::key_state::Dimensions;
use crate::index::label_dictionary::LabelDictionary;
use crate::landing::Landing;
use crate::landing::ledger::Ledger;
use crate::landing::raw_batch::RejectOriginals;

impl Landing {
    /// Commits what a batch changes in `rejects` and `fast_counts`, in this order: where the fast counts exist, so
    /// do the rejects.
    pub(crate) async fn derive_batch(
        &mut self,
        ledger: &Ledger,
        batch: i64,
        landed_at: i64,
        originals: &RejectOriginals,
    ) -> Result<()> {
        let name = &self.resource.name;
        if !ledger.rejects.is_empty() {
            let columns = build_reject_columns(ledger, batch, landed_at, originals);
            self.commit_derived(&self.lake.rejects, columns, rejects_transaction(name), batch, Vec::new()).await?;
        }
        failpoint("ingest:after-rejects-commit");
        let columns = build_count_columns(&ledger.counts, &self.index.labels, batch);
        // Committed even if nothing is left to count: the transaction records the last counted batch.
        let mut definitions = self.definitions.clone();
        let mut domains = Vec::new();
        if definitions.0.last().is_none_or(|(_, fingerprint)| *fingerprint != self.stamp.fingerprint) {
            let before = definitions.clone();
            // Batches without rows are between them, and have no counts.
            let fast = self.lake.fast_counts.snapshot().await?;
            let counted =
                self.lake.fast_counts.read_transaction(&fast, &fast_counts_transaction(name)).await?.unwrap_or(0);
            definitions.0.push((counted.min(batch - 1) + 1, self.stamp.fingerprint.clone()));
            domains.push(definitions.to_change(name, &before)?);
        }
        let committed =
            self.commit_derived(&self.lake.fast_counts, columns, fast_counts_transaction(name), batch, domains).await?;
        self.definitions = match committed {
            CommitOutcome::Version(_) => definitions,
            // Somebody else derived the batch, perhaps under another definition.
            CommitOutcome::AlreadyCommitted => {
                let fast = self.lake.fast_counts.snapshot().await?;
                CountedDefinitions::read(&self.lake.fast_counts, &fast, &self.resource.name).await?
            }
        };
        failpoint("ingest:after-fast-commit");
        Ok(())
    }

    async fn commit_derived(
        &self,
        table: &Table,
        columns: Vec<ArrayRef>,
        transaction: String,
        batch: i64,
        domains: Vec<DomainChange>,
    ) -> Result<CommitOutcome> {
        let snapshot = table.snapshot().await?;
        let mut adds = Vec::new();
        if columns.first().is_some_and(|column| !column.is_empty()) {
            let partition = HashMap::from([("resource".to_owned(), Some(self.resource.name.clone()))]);
            let mut writer = table.writer(&snapshot, partition)?;
            let rows = RecordBatch::try_new(Arc::clone(writer.schema()), columns);
            writer.write(&rows.or_err(Kind::Internal, || format!("rows of {}", table.name()))?).await?;
            adds.push(writer.finish().await?);
        }
        let commit = Commit {
            operation: "DERIVE",
            adds,
            transaction: Some((transaction, batch)),
            domains,
            info: HashMap::from([
                ("resource".to_owned(), json!(self.resource.name)),
                ("batch".to_owned(), json!(batch)),
            ]),
            ..Commit::default()
        };
        // An existing commit is equivalent: under one definition, the derived data of a batch is the same whichever
        // process derives it.
        table.commit(&commit).await
    }
}

/// Returns the columns of `fast_counts` without its partition: the counted dimensions, the count, the batch.
fn build_count_columns(counts: &BTreeMap<Dimensions, i64>, labels: &LabelDictionary, batch: i64) -> Vec<ArrayRef> {
    let label =
        |n: usize| -> ArrayRef { Arc::new(counts.keys().map(|d| labels.label(d.labels[n])).collect::<StringArray>()) };
    vec![
        Arc::new(counts.keys().map(|d| d.hour).collect::<TimestampMicrosecondArray>()),
        Arc::new(counts.keys().map(|d| d.cell).collect::<Int64Array>()),
        label(0),
        label(1),
        label(2),
        label(3),
        Arc::new(Int64Array::from_iter_values(counts.values().copied())),
        Arc::new(Int64Array::from_value(batch, counts.len())),
    ]
}

/// Returns the columns of `rejects` without its partition.
fn build_reject_columns(ledger: &Ledger, batch: i64, landed_at: i64, originals: &RejectOriginals) -> Vec<ArrayRef> {
    let changes = &ledger.rejects;
    let found = |row: i64| originals.get(&row);
    vec![
        Arc::new(Int64Array::from_value(batch, changes.len())),
        Arc::new(Int64Array::from_iter_values(changes.iter().map(|c| c.row))),
        Arc::new(TimestampMicrosecondArray::from_value(landed_at, changes.len())),
        Arc::new(StringArray::from_iter_values(changes.iter().map(|c| c.identity.as_str()))),
        Arc::new(StringArray::from_iter_values(changes.iter().map(|c| if c.closed { "closed" } else { "open" }))),
        Arc::new(changes.iter().map(|c| found(c.row).map(|(reason, _)| reason.as_str())).collect::<StringArray>()),
        Arc::new(changes.iter().map(|c| found(c.row).map(|(_, original)| original.as_str())).collect::<StringArray>()),
    ]
}
