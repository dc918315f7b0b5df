//! Files of counts and incidents that are kept decoded, and their rollups, within a budget of bytes.
//!
//! Everything here is derived from files that never change, so an entry is right as long as it is kept, in every version of
//! the lake that has its file.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lake_model::{Error, Kind, Result};
use lake_segments::{DimensionSet, Rollups, Segment, SharedDictionaries};
use lake_store::{DataFile, Table, object_path};
use object_store::ObjectStore;
use object_store::path::Path;
use parking_lot::Mutex;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::sync::Semaphore;

use crate::geometry::cell_box::CellBox;
use crate::segments::pending_incidents::PendingIncidents;
use crate::segments::segment_file::read_segment;
use crate::snapshot::lake_snapshot::LakeSnapshot;

/// Files that are decoded at the same time.
const MAX_DECODED_AT_ONCE: usize = 2;
/// More entries than these are rarely kept: some hundred files, each with rollups for a few sets of dimensions.
const ESTIMATED_ENTRIES: usize = 4_096;
/// More pending rows than these are not decoded: what they change is more than what a compaction would take.
const MAX_PENDING_ROWS: u64 = 2_000_000;
/// About what a row takes in memory, bytes.
const BYTES_PER_ROW: u64 = 12;
/// About what a row with a point takes in memory, bytes.
const BYTES_PER_POINT: u64 = 32;

/// A file of `counts`, `fast_counts` or `incidents`.
#[derive(Clone, Debug)]
pub struct SegmentFile {
    folder: Path,
    /// Its path under the folder.
    path: String,
    key: Arc<str>,
    has_points: bool,
    /// Its rows, where the log has their number.
    pub rows: Option<u64>,
}

/// Segments and rollups of files.
pub struct SegmentCache {
    store: Arc<dyn ObjectStore>,
    dictionaries: Arc<SharedDictionaries>,
    kept: Cache<Key, Entry, Bytes>,
    /// What a task in the background is about to add.
    expected: Mutex<BTreeSet<Key>>,
    /// Files that are not segments: a plan answers, and reports what is wrong with them.
    undecodable: Mutex<BTreeSet<Key>>,
    decoding: Semaphore,
    correcting: Semaphore,
    /// By code, from code 1 on.
    cell_boxes: Mutex<Arc<Vec<Option<CellBox>>>>,
    answers: AtomicU64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Segment(Arc<str>),
    Rollups(Arc<str>, DimensionSet),
    Corrections(Arc<str>),
}

#[derive(Clone, Debug)]
enum Entry {
    Segment(Arc<Segment>),
    Rollups(Arc<Rollups>),
}

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Key, Entry> for Bytes {
    fn weight(&self, _: &Key, entry: &Entry) -> u64 {
        let bytes = match entry {
            Entry::Segment(segment) => segment.bytes(),
            Entry::Rollups(rollups) => rollups.bytes(),
        };
        u64::try_from(bytes).unwrap_or(u64::MAX).max(1)
    }
}

impl std::fmt::Debug for SegmentCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentCache").field("bytes", &self.kept.weight()).finish_non_exhaustive()
    }
}

impl SegmentFile {
    /// Returns a file of counts.
    pub fn of_counts(table: &Table, file: &DataFile) -> Self {
        Self::new(table, file, false)
    }

    /// Returns a file of incidents, whose exact times and places are known.
    pub fn of_incidents(table: &Table, file: &DataFile) -> Self {
        Self::new(table, file, true)
    }

    fn new(table: &Table, file: &DataFile, has_points: bool) -> Self {
        let (folder, path) = (table.folder().clone(), file.path.clone());
        let key = Arc::from(format!("{folder}/{path}"));
        Self { folder, path, key, has_points, rows: file.rows }
    }
}

impl SegmentCache {
    /// Returns an empty cache of at most `max_bytes` of the files of a lake's store.
    ///
    /// # Errors
    /// If the budget is none that a cache can have.
    pub fn new(store: Arc<dyn ObjectStore>, max_bytes: u64) -> Result<Self> {
        // One part: of several, each would have a part of the budget, which a large file may not fit.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(ESTIMATED_ENTRIES)
            .weight_capacity(max_bytes)
            .build()
            .map_err(|error| Error::internal(format!("the cache of counts: {error}")))?;
        let kept = Cache::with_options(options, Bytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Ok(Self {
            store,
            dictionaries: Arc::default(),
            kept,
            expected: Mutex::default(),
            undecodable: Mutex::default(),
            decoding: Semaphore::new(MAX_DECODED_AT_ONCE),
            correcting: Semaphore::new(1),
            cell_boxes: Mutex::default(),
            answers: AtomicU64::default(),
        })
    }

    /// Returns the dictionaries of the codes in segments. Those of segments that were returned before have every code.
    pub fn dictionaries(&self) -> Arc<lake_segments::Dictionaries> {
        self.dictionaries.current()
    }

    /// Returns the boxes around the cells of dictionaries, by code from code 1 on.
    pub fn cell_boxes(&self, dictionaries: &lake_segments::Dictionaries) -> Arc<Vec<Option<CellBox>>> {
        let cells = dictionaries.cells();
        let mut known = self.cell_boxes.lock();
        if known.len() < cells.len() {
            let missing = cells[known.len()..].iter().map(|cell| CellBox::new(*cell));
            *known = Arc::new(known.iter().copied().chain(missing).collect());
        }
        Arc::clone(&known)
    }

    /// Returns what pending batches change in the incidents of a resource; `None` if it is not known yet, and read in the
    /// background, or too much.
    pub fn corrections(self: &Arc<Self>, pending: PendingIncidents) -> Option<Arc<Segment>> {
        let key = Key::Corrections(Arc::clone(pending.id()));
        if let Some(Entry::Segment(segment)) = self.kept.get(&key) {
            return Some(segment);
        }
        if pending.rows() > MAX_PENDING_ROWS || self.undecodable.lock().contains(&key) {
            return None;
        }
        let expected = self.expect(key.clone())?;
        tokio::spawn(async move {
            let cache = &expected.cache;
            // One at a time: each reads the keys of all stored incidents.
            let Ok(_permit) = cache.correcting.acquire().await else { return };
            match pending.read_corrections(Arc::clone(&cache.dictionaries)).await {
                Ok(segment) => cache.kept.insert(key, Entry::Segment(Arc::new(segment))),
                Err(error) => {
                    tracing::debug!(%error, "pending incidents were not decoded");
                    cache.undecodable.lock().insert(key);
                }
            }
        });
        None
    }

    /// Returns the bytes kept.
    pub fn bytes(&self) -> u64 {
        self.kept.weight()
    }

    /// Returns whether these files take no more than the budget together, as far as it is known before they are decoded.
    pub fn has_room_for<'a>(&self, files: impl IntoIterator<Item = &'a SegmentFile>) -> bool {
        let (mut bytes, mut has_points) = (0_u64, false);
        for file in files {
            let of_row = if file.has_points { BYTES_PER_POINT } else { BYTES_PER_ROW };
            bytes = bytes.saturating_add(file.rows.map_or(u64::MAX, |rows| rows.saturating_mul(of_row)));
            has_points |= file.has_points;
        }
        // Points have a part only, so that a question about them does not drop the counts of all others.
        bytes <= if has_points { self.kept.capacity() / 2 } else { self.kept.capacity() }
    }

    /// Returns the rows of a file; `None` if they are not kept.
    pub fn segment(&self, file: &SegmentFile) -> Option<Arc<Segment>> {
        match self.kept.get(&Key::Segment(Arc::clone(&file.key)))? {
            Entry::Segment(segment) => Some(segment),
            Entry::Rollups(_) => None,
        }
    }

    /// Returns the rollups of a file by some dimensions; `None` if they are not kept.
    pub fn rollups(&self, file: &SegmentFile, dimensions: DimensionSet) -> Option<Arc<Rollups>> {
        match self.kept.get(&Key::Rollups(Arc::clone(&file.key), dimensions))? {
            Entry::Rollups(rollups) => Some(rollups),
            Entry::Segment(_) => None,
        }
    }

    /// Adds an answer to those that were made from what is kept.
    pub fn add_answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of answers that were made from what is kept.
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// Decodes a file and keeps it.
    ///
    /// # Errors
    /// If the store does not answer, or the file is damaged or holds other columns.
    pub async fn load(&self, file: &SegmentFile) -> Result<Arc<Segment>> {
        if let Some(segment) = self.segment(file) {
            return Ok(segment);
        }
        let permit = self.decoding.acquire().await;
        let _permit = permit.map_err(|_| Error::new(Kind::Unavailable, "the server stops"))?;
        // Another request may have been first.
        if let Some(segment) = self.segment(file) {
            return Ok(segment);
        }
        let key = Key::Segment(Arc::clone(&file.key));
        if self.undecodable.lock().contains(&key) {
            return Err(Error::new(Kind::Data, format!("{} is not a file of counts or incidents", file.key)));
        }
        let place = object_path(&file.folder, &file.path);
        let read = read_segment(self.store.as_ref(), place, file.has_points, Arc::clone(&self.dictionaries)).await;
        if let Err(error) = &read
            && error.kind() == Kind::Data
        {
            self.undecodable.lock().insert(key.clone());
        }
        let segment = Arc::new(read?);
        self.kept.insert(key, Entry::Segment(Arc::clone(&segment)));
        Ok(segment)
    }

    /// Decodes files in the background.
    pub fn load_later(self: &Arc<Self>, files: Vec<SegmentFile>) {
        let expected = |file: SegmentFile| Some((self.expect(Key::Segment(Arc::clone(&file.key)))?, file));
        let files: Vec<(Expected, SegmentFile)> = files.into_iter().filter_map(expected).collect();
        if files.is_empty() {
            return;
        }
        tokio::spawn(async move {
            for (expected, file) in files {
                if let Err(error) = expected.cache.load(&file).await {
                    // A question that needs it reads it again, and says so.
                    tracing::debug!(%error, "a file was not decoded");
                }
            }
        });
    }

    /// Decodes compacted counts in the background, the newest years first, as far as the budget reaches.
    pub fn load_newest_later(self: &Arc<Self>, snapshot: &LakeSnapshot) {
        let mut newest: Vec<(Option<i32>, SegmentFile)> = snapshot
            .counts
            .files
            .iter()
            .map(|file| {
                let year = file.partition_value("year").and_then(|year| year.parse().ok());
                (year, SegmentFile::of_counts(&snapshot.lake.counts, file))
            })
            .collect();
        newest.sort_by_key(|(year, _)| std::cmp::Reverse(*year));
        let mut files: Vec<SegmentFile> = newest.into_iter().map(|(_, file)| file).collect();
        while !self.has_room_for(&files) && !files.is_empty() {
            files.pop();
        }
        self.load_later(files);
    }

    /// Rolls segments that are kept up by `dimensions`, in the background.
    pub fn roll_up_later(self: &Arc<Self>, files: Vec<SegmentFile>, dimensions: DimensionSet) {
        let expected = |file: SegmentFile| {
            let key = Key::Rollups(Arc::clone(&file.key), dimensions);
            if self.kept.contains_key(&key) { None } else { Some((self.expect(key)?, file)) }
        };
        let files: Vec<(Expected, SegmentFile)> = files.into_iter().filter_map(expected).collect();
        if files.is_empty() {
            return;
        }
        tokio::spawn(async move {
            for (expected, file) in files {
                let Some(segment) = expected.cache.segment(&file) else { continue };
                let rolled_up = tokio::task::spawn_blocking(move || Rollups::new(&segment, dimensions)).await;
                if let Ok(rollups) = rolled_up {
                    expected.cache.kept.insert(expected.key.clone(), Entry::Rollups(Arc::new(rollups)));
                }
            }
        });
    }

    /// Returns the expectation of an entry; `None` if another task is about to add it.
    fn expect(self: &Arc<Self>, key: Key) -> Option<Expected> {
        self.expected.lock().insert(key.clone()).then(|| Expected { cache: Arc::clone(self), key })
    }
}

/// An entry that a task is about to add, until the task ends in any way.
struct Expected {
    cache: Arc<SegmentCache>,
    key: Key,
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.cache.expected.lock().remove(&self.key);
    }
}
