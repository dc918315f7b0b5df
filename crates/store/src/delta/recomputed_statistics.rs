//! The statistics of a data file, computed again from its rows and compared with those of the log.

use arrow::array::RecordBatch;

use crate::delta::file_statistics::{LoggedStats, StatsCollector};
use crate::{DataFile, Snapshot};

/// The statistics of a file's rows, computed again.
#[derive(Default)]
pub struct RecomputedStatistics {
    collector: StatsCollector,
}

impl std::fmt::Debug for RecomputedStatistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recomputed").field("rows", &self.collector.rows()).finish_non_exhaustive()
    }
}

impl RecomputedStatistics {
    /// Takes more rows of the file.
    pub fn add(&mut self, rows: &RecordBatch) {
        self.collector.add(rows);
    }

    /// Returns how the log's statistics of `file` differ from those of its rows; empty if they do not.
    pub fn differences(&self, file: &DataFile, snapshot: &Snapshot) -> Vec<String> {
        let mut found = Vec::new();
        let rows = self.collector.rows() as u64;
        if file.rows.is_some_and(|logged| logged != rows) {
            found.push(format!("the log records {} rows, the file has {rows}", file.rows.unwrap_or_default()));
        }
        let stats = LoggedStats::parse(&self.collector.to_json()).unwrap_or_default();
        for field in snapshot.schema.fields() {
            let name = field.name();
            let nulls = stats.nulls(name);
            if let (Some(logged), Some(nulls)) = (file.nulls.get(name), nulls)
                && *logged != nulls
            {
                found.push(format!("the log records {logged} nulls in `{name}`, the file has {nulls}"));
            }
            let own = stats.range(name, field.data_type());
            if let (Some(logged), Some(own)) = (file.ranges.get(name), own)
                && *logged != own
            {
                found.push(format!("the range of `{name}` in the log is not that of its rows"));
            }
        }
        found
    }
}
