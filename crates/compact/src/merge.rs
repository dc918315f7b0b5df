//! The batches above the watermark, merged into the files that they touch.
//!
//! A changed key leaves the file that holds its old version, and its new version joins the file of its time: only these
//! files are written again. Counts are the stored ones and the signed ones of the batches. If they do not add up to the
//! incidents of each year, that is an error, after which everything is recounted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use datafusion::common::HashSet;
use datafusion::dataframe::DataFrame;
use datafusion::execution::memory_pool::MemoryReservation;
use futures::StreamExt as _;
use lake_model::{Error, Kind, Result, ResultExt};
use lake_query::{engine_error, fill, incident_select, sql_files};
use lake_store::{ColumnRange, DataFile};

use crate::batches::{fold_batches, read_file, run_tasks};
use crate::context::CompactionContext;
use crate::file_slots::{FileSlots, YearDifferences, file_year};
use crate::file_units::{FileTarget, WrittenFiles, plan_units, write_units};
use crate::incident_rows::{IncidentBatch, text_column};
use crate::labels::{LabelDictionary, LabelReader};
use crate::merge_counts::{Replacement, merge_counts};
use crate::plan::Plan;
use crate::row_buckets::{Bucket, BucketKey, RowBuckets};
use crate::sorted_rows::Outputs;
use crate::superseded_rows::register_current_versions;

/// The bytes that a changed row takes while it is merged, its key among them.
const CHANGED_ROW_BYTES: u64 = 400;

/// What a merge has written, and the incidents of each year that it touched.
pub(crate) struct Merged {
    pub(crate) incidents: Replacement,
    pub(crate) counts: Replacement,
    pub(crate) totals: Vec<(Option<i32>, i64)>,
}

type ChangedKeys = HashSet<Box<str>>;

/// The current versions of the keys that landed above the watermark.
struct Changes {
    keys: Arc<ChangedKeys>,
    /// The rows by the slot of the file that they join.
    rows: BTreeMap<usize, Vec<(BucketKey, Bucket)>>,
    _accounts: Vec<MemoryReservation>,
}

/// Merges the batches of a plan; with `dry_run`, nothing is written.
///
/// # Errors
/// `Exhausted` if the changes do not fit into memory, `Data` if what is stored cannot be read or does not agree with the
/// signed counts: a recount does without both.
pub(crate) async fn merge(
    context: &Arc<CompactionContext>,
    plan: &Plan,
    dry_run: bool,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Merged> {
    let labels = Arc::new(LabelDictionary::new(context.max_label_bytes()));
    let slots = Arc::new(FileSlots::new(&context.lake_snapshot.incidents, &context.resource.name));
    let mut changes = read_changes(context, plan, &slots, &labels).await?;
    let touched = find_touched(context, &slots, &changes).await?;
    let mut incidents = Replacement::default();
    let mut tasks = Vec::new();
    for slot in touched {
        let file = slots.files.get(slot).cloned();
        incidents.removes.extend(file.clone());
        let rows = changes.rows.remove(&slot).unwrap_or_default();
        let slot = SlotRewrite { context: Arc::clone(context), labels: Arc::clone(&labels), file, rows };
        let keys = Arc::clone(&changes.keys);
        tasks.push(async move { slot.run(&keys, dry_run).await });
    }
    let mut differences = YearDifferences::new();
    let add = |rows: SlotRows| {
        progress(rows.written.rows as u64);
        for (year, difference) in rows.differences {
            *differences.entry(year).or_default() += difference;
        }
        incidents.adds.extend(rows.written.incidents);
    };
    run_tasks(tasks, context.workers(), add).await?;
    let counts = merge_counts(context, plan, &labels, dry_run).await?;
    check_differences(&differences, &counts.differences)?;
    let years: BTreeSet<_> = differences.keys().chain(counts.differences.keys()).copied().collect();
    let mut totals: Vec<(Option<i32>, i64)> = Vec::new();
    for year in years {
        let stored = slots.files.iter().filter(|file| file_year(file) == year).filter_map(|file| file.rows);
        let stored = i64::try_from(stored.sum::<u64>()).unwrap_or(i64::MAX);
        totals.push((year, stored + differences.get(&year).copied().unwrap_or_default()));
    }
    totals.sort_unstable_by_key(|(year, _)| (year.is_none(), *year));
    Ok(Merged { incidents, counts: counts.replacement, totals })
}

/// Checks that the signed counts of each year add up to the rows that came and went.
fn check_differences(rows: &YearDifferences, counts: &YearDifferences) -> Result<()> {
    for year in rows.keys().chain(counts.keys()) {
        let of = |differences: &YearDifferences| differences.get(year).copied().unwrap_or_default();
        if of(rows) != of(counts) {
            let year = year.map_or_else(|| "the undated".to_owned(), |year| year.to_string());
            let text = format!(
                "the signed counts of {year} add up to {}, where the incidents differ by {}",
                of(counts),
                of(rows)
            );
            return Err(Error::new(Kind::Data, text));
        }
    }
    Ok(())
}

/// What a task collects of the changes.
struct ChangesPart {
    buckets: RowBuckets,
    labels: LabelReader,
    keys: Vec<Box<str>>,
}

async fn read_changes(
    context: &CompactionContext,
    plan: &Plan,
    slots: &Arc<FileSlots>,
    labels: &Arc<LabelDictionary>,
) -> Result<Changes> {
    let landed_rows = context.landed_rows_above(plan.above)?;
    if landed_rows.saturating_mul(CHANGED_ROW_BYTES) > context.memory_bytes as u64 / 2 {
        return Err(Error::new(Kind::Exhausted, format!("{landed_rows} changed rows do not fit into memory")));
    }
    let raw = context.raw_table();
    let bounds = [("above", &*plan.above.to_string()), ("through", &*plan.through.to_string())];
    let landed = fill(sql_files::COMPACT_LANDED, &bounds)?;
    register_current_versions(context, &landed, landed_rows).await?;
    let select = incident_select(&context.resource);
    let values = [("incident", &*select), ("raw", &*raw), ("landed", &*landed)];
    let changed = fill(sql_files::COMPACT_CHANGED, &values)?;
    let changed = context.session.context().sql(&changed).await.map_err(engine_error)?;
    let make = |tasks: usize| ChangesPart {
        buckets: context.buckets(tasks),
        labels: LabelReader::new(labels),
        keys: Vec::new(),
    };
    let slots = Arc::clone(slots);
    let add = move |part: &mut ChangesPart, batch: &RecordBatch| {
        part.keys.extend(text_column(batch, "id")?.iter().flatten().map(Box::from));
        let deleted = batch.column_by_name("deleted").and_then(|column| column.as_boolean_opt());
        let deleted = deleted.ok_or_else(|| Error::internal("changed rows do not say whether they are deleted"))?;
        let current = not(deleted).and_then(|current| filter_record_batch(batch, &current));
        let current = current.or_err(Kind::Internal, || "changed rows")?;
        part.buckets.add(&IncidentBatch::new(&current, &mut part.labels)?, |year, time| slots.slot_of(year, time))
    };
    let (mut keys, mut rows) = (ChangedKeys::default(), BTreeMap::<usize, Vec<_>>::new());
    let mut accounts = Vec::new();
    for part in fold_batches(changed, make, add).await? {
        keys.extend(part.keys);
        let (buckets, account) = part.buckets.into_parts();
        accounts.push(account);
        for (key, bucket) in buckets {
            rows.entry(key.slot).or_default().push((BucketKey { slot: 0, ..key }, bucket));
        }
    }
    Ok(Changes { keys: Arc::new(keys), rows, _accounts: accounts })
}

/// Returns the slots of the files that hold a changed key or get one.
async fn find_touched(context: &CompactionContext, slots: &FileSlots, changes: &Changes) -> Result<BTreeSet<usize>> {
    let mut touched: BTreeSet<usize> = changes.rows.keys().copied().collect();
    let mut sorted: Vec<&str> = changes.keys.iter().map(|key| &**key).collect();
    sorted.sort_unstable();
    let may_hold = |file: &DataFile| match file.ranges.get("id") {
        Some(ColumnRange::Text(low, high)) => {
            sorted.get(sorted.partition_point(|key| *key < low.as_str())).is_some_and(|key| *key <= high.as_str())
        }
        _ => true,
    };
    let table = &context.lake_snapshot.lake.incidents;
    let mut tasks = Vec::new();
    for (slot, file) in slots.files.iter().enumerate() {
        if touched.contains(&slot) || !may_hold(file) {
            continue;
        }
        let ids = read_file(&context.session, table, &context.lake_snapshot.incidents, file)?;
        let ids = ids.select_columns(&["id"]).map_err(engine_error)?;
        let keys = Arc::clone(&changes.keys);
        tasks.push(async move { Ok((slot, holds_any(ids, &keys).await?)) });
    }
    run_tasks(tasks, context.workers(), |(slot, holds)| {
        if holds {
            touched.insert(slot);
        }
    })
    .await?;
    Ok(touched)
}

/// Returns whether one of the ids is among the keys.
async fn holds_any(ids: DataFrame, keys: &ChangedKeys) -> Result<bool> {
    let mut stream = ids.execute_stream().await.map_err(engine_error)?;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(engine_error)?;
        if text_column(&batch, "id")?.iter().flatten().any(|id| keys.contains(id)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A file that is written again: what stays of it, and the rows that join it.
struct SlotRewrite {
    context: Arc<CompactionContext>,
    labels: Arc<LabelDictionary>,
    /// The file; none for rows of years that have none.
    file: Option<DataFile>,
    rows: Vec<(BucketKey, Bucket)>,
}

/// What became of a file: those in its place, and how many incidents more each year has.
struct SlotRows {
    written: WrittenFiles,
    differences: YearDifferences,
}

impl SlotRewrite {
    async fn run(mut self, keys: &ChangedKeys, dry_run: bool) -> Result<SlotRows> {
        let mut differences = YearDifferences::new();
        let mut add =
            |year, rows: usize| *differences.entry(year).or_default() += i64::try_from(rows).unwrap_or(i64::MAX);
        let mut account = None;
        for (key, bucket) in &self.rows {
            add(key.year(), bucket.len());
        }
        if let Some(file) = self.file.take() {
            let (kept, left, reservation) = self.read_kept(&file, keys).await?;
            *differences.entry(file_year(&file)).or_default() -= left;
            self.rows.extend(kept);
            account = Some(reservation);
        }
        let rows = self.rows.iter().map(|(_, bucket)| bucket.len()).sum();
        if dry_run {
            return Ok(SlotRows { written: WrittenFiles { rows, ..WrittenFiles::default() }, differences });
        }
        let target = Arc::new(FileTarget::new(&self.context, &self.labels, Outputs::Incidents));
        let written = write_units(
            &target,
            plan_units(self.rows, self.context.file_rows),
            1,
            &self.context.reservation(),
            &mut |_| {},
        )
        .await?;
        drop(account);
        Ok(SlotRows { written, differences })
    }

    /// Returns the rows of a file whose keys have not changed, and how many of the others there are.
    async fn read_kept(
        &self,
        file: &DataFile,
        keys: &ChangedKeys,
    ) -> Result<(BTreeMap<BucketKey, Bucket>, i64, MemoryReservation)> {
        let context = &self.context;
        let frame =
            read_file(&context.session, &context.lake_snapshot.lake.incidents, &context.lake_snapshot.incidents, file)?;
        let mut buckets = context.buckets(context.workers());
        let (mut labels, mut left) = (LabelReader::new(&self.labels), 0);
        let mut stream = frame.execute_stream().await.map_err(engine_error)?;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(engine_error)?;
            let ids = text_column(&batch, "id")?;
            let stays: BooleanArray = ids.iter().map(|id| Some(id.is_none_or(|id| !keys.contains(id)))).collect();
            let kept = match stays.false_count() {
                0 => batch,
                _ => filter_record_batch(&batch, &stays).or_err(Kind::Internal, || "incidents that stay")?,
            };
            left += i64::try_from(stays.false_count()).unwrap_or(i64::MAX);
            buckets.add(&IncidentBatch::new(&kept, &mut labels)?, |_, _| 0)?;
        }
        let (buckets, reservation) = buckets.into_parts();
        Ok((buckets, left, reservation))
    }
}
