//! What stands between every reader and the store: bytes that are not what was written are an error with the file's
//! name, never an answer.
//!
//! The log says of each data file how long it is and, where this program wrote it, what its blocks hash to. A block
//! is checked when this process reads it first; later its bytes are taken as they come. Log entries and checkpoints
//! carry their own sums. Files of other writers, and of version 0.1.0, have none: of theirs only the size is checked.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result,
};

use crate::damage::{Damage, error_of};
use crate::log_file::{LogFile, last_checkpoint, sum_path};
use crate::sums::{BlockSums, hex, sum_of, vouched, vouched_text};

/// A data file as the log knows it, and which of its blocks were found whole.
#[derive(Debug)]
struct Known {
    table: Arc<str>,
    size: u64,
    blocks: Option<(BlockSums, Vec<AtomicBool>)>,
}

impl Known {
    fn is_verified(&self, range: &Range<u64>) -> bool {
        let Some((sums, verified)) = &self.blocks else { return true };
        blocks_of(range, sums.block).all(|n| verified.get(n).is_some_and(|block| block.load(Ordering::Relaxed)))
    }

    /// The whole blocks that a range touches.
    fn cover(&self, range: &Range<u64>) -> Range<u64> {
        let block = self.blocks.as_ref().map_or(1, |(sums, _)| sums.block);
        let end = range.end.div_ceil(block).saturating_mul(block);
        range.start / block * block..end.min(self.size)
    }

    /// Checks whole blocks that begin at `start`.
    fn verify(&self, start: u64, bytes: &[u8]) -> bool {
        let Some((sums, verified)) = &self.blocks else { return true };
        let (Ok(size), Ok(first)) = (usize::try_from(sums.block), usize::try_from(start / sums.block)) else {
            return false;
        };
        bytes.chunks(size).zip(first..).all(|(block, n)| {
            let (Some(sum), Some(seen)) = (sums.sums.get(n), verified.get(n)) else { return false };
            let whole = seen.load(Ordering::Relaxed) || *sum == sum_of(block);
            seen.fetch_or(whole, Ordering::Relaxed);
            whole
        })
    }
}

fn blocks_of(range: &Range<u64>, block: u64) -> impl Iterator<Item = usize> + use<> {
    let blocks = range.start / block..range.end.div_ceil(block);
    blocks.map(|n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// A store whose answers were checked.
#[derive(Debug)]
pub(crate) struct Guard {
    inner: Arc<dyn ObjectStore>,
    /// What stands before a path to make a name that the user knows.
    root: String,
    /// The lake's folder: what lies where is proven within it, for a lake may be moved.
    lake: Path,
    files: RwLock<HashMap<Path, Arc<Known>>>,
    checkpoints: Mutex<HashSet<Path>>,
}

impl std::fmt::Display for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard({})", self.inner)
    }
}

impl Guard {
    /// A guard before `inner`, whose paths are named with `root` before them, of the lake in the folder `lake`.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, root: String, lake: Path) -> Self {
        Self { inner, root, lake, files: RwLock::default(), checkpoints: Mutex::default() }
    }

    /// What it guards.
    pub(crate) fn inner(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.inner)
    }

    /// The name of a file within the lake.
    pub(crate) fn name_of(&self, path: &Path) -> String {
        match path.prefix_match(&self.lake) {
            Some(parts) => parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"),
            None => path.to_string(),
        }
    }

    /// Whether a data file of this size is known.
    pub(crate) fn knows(&self, path: &Path, size: u64) -> bool {
        self.known(path).is_some_and(|known| known.size == size)
    }

    /// From now on the file is checked. Names are never used twice, so that what was checked stays so.
    pub(crate) fn learn(&self, table: &Arc<str>, path: Path, size: u64, sums: Option<BlockSums>) {
        let blocks = sums.map(|sums| {
            let verified = sums.sums.iter().map(|_| AtomicBool::new(false)).collect();
            (sums, verified)
        });
        let known = Known { table: Arc::clone(table), size, blocks };
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(path, Arc::new(known));
    }

    fn known(&self, path: &Path) -> Option<Arc<Known>> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn damaged(&self, path: &Path, damage: Damage, table: Option<&str>) -> object_store::Error {
        error_of(&format!("{}{path}", self.root), damage, table)
    }

    /// A read of a known file that failed: says so where the file is gone or has another size.
    async fn failed(&self, path: &Path, known: &Known, error: object_store::Error) -> object_store::Error {
        let table = Some(known.table.as_ref());
        match self.inner.head(path).await {
            Err(object_store::Error::NotFound { .. }) => self.damaged(path, Damage::Missing, table),
            Ok(meta) if meta.size != known.size => {
                self.damaged(path, Damage::Size { is: meta.size, was: known.size }, table)
            }
            _ => error,
        }
    }

    /// Reads a range of a known file, checked; the metadata is that of the object.
    async fn read(
        &self,
        path: &Path,
        known: &Known,
        range: Range<u64>,
        options: GetOptions,
    ) -> Result<(Bytes, GetResult)> {
        let whole = !known.is_verified(&range);
        let asked = if whole { known.cover(&range) } else { range.clone() };
        let options = GetOptions { range: Some(GetRange::Bounded(asked.clone())), ..options };
        let result = match self.inner.get_opts(path, options).await {
            Ok(result) if result.meta.size == known.size => result,
            Ok(result) => {
                let damage = Damage::Size { is: result.meta.size, was: known.size };
                return Err(self.damaged(path, damage, Some(&known.table)));
            }
            Err(error) => return Err(self.failed(path, known, error).await),
        };
        let about = GetResult {
            payload: GetResultPayload::Stream(stream::empty().boxed()),
            meta: result.meta.clone(),
            range: range.clone(),
            attributes: result.attributes.clone(),
        };
        let bytes = match result.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return Err(self.failed(path, known, error).await),
        };
        let short = bytes.len() as u64 != asked.end - asked.start;
        if short || whole && !known.verify(asked.start, &bytes) {
            return Err(self.damaged(path, Damage::Bytes, Some(&known.table)));
        }
        Ok((part(&bytes, &asked, &range), about))
    }

    /// A log entry, whole or not at all.
    async fn entry(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let range = options.range.clone();
        let result = self.inner.get_opts(path, GetOptions { range: None, ..options }).await?;
        let (meta, attributes) = (result.meta.clone(), result.attributes.clone());
        let bytes = result.bytes().await?;
        if let Err(error) = crate::entry::check(&bytes, &self.name_of(path)) {
            return Err(self.damaged(path, Damage::Entry(error.message().to_owned()), None));
        }
        let size = bytes.len() as u64;
        let range = match range.map(|range| range.as_range(size)) {
            None => 0..size,
            Some(Ok(range)) => range,
            Some(Err(error)) => return Err(object_store::Error::Generic { store: "guard", source: error.into() }),
        };
        let bytes = part(&bytes, &(0..size), &range);
        Ok(GetResult { payload: once(bytes), meta, range, attributes })
    }

    /// Checks a checkpoint of ours whole, the first time.
    async fn check_checkpoint(&self, path: &Path) -> Result<()> {
        let checked = |set: &Mutex<HashSet<Path>>| set.lock().unwrap_or_else(PoisonError::into_inner).contains(path);
        if checked(&self.checkpoints) {
            return Ok(());
        }
        let sum = match self.inner.get(&sum_path(path)).await {
            Ok(found) => Some(found.bytes().await?),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        if let Some(sum) = sum {
            let bytes = self.inner.get(path).await?.bytes().await?;
            // A sum that is damaged itself says nothing of the checkpoint.
            if let Some(said) = vouched_text(&sum) {
                // Sums of versions before this one come without the checkpoint's name.
                let (sum, of) = said.split_once(':').map_or((said, None), |(sum, of)| (sum, Some(of)));
                if sum != hex(sum_of(&bytes)) || of.is_some_and(|of| of != self.name_of(path)) {
                    return Err(self.damaged(path, Damage::Checkpoint, None));
                }
            }
        }
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        Ok(())
    }

    async fn put_checkpoint(&self, path: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let mut hasher = blake3::Hasher::new();
        for chunk in &payload {
            hasher.update(chunk);
        }
        let mut sum = [0; 16];
        sum.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        // The first of two writers wins, so that the sum is that of the checkpoint that stays.
        match self.inner.put_opts(path, payload, PutOptions { mode: PutMode::Create, ..opts }).await {
            Ok(done) => {
                let said = vouched(&format!("{}:{}", hex(sum), self.name_of(path)));
                self.inner.put(&sum_path(path), said.into()).await.map(|_| done)
            }
            Err(object_store::Error::AlreadyExists { .. }) => Ok(PutResult { e_tag: None, version: None }),
            Err(error) => Err(error),
        }
    }
}

fn once(bytes: Bytes) -> GetResultPayload {
    GetResultPayload::Stream(stream::once(async move { Ok(bytes) }).boxed())
}

/// The bytes of `range` from those of `of`, which holds it.
fn part(bytes: &Bytes, of: &Range<u64>, range: &Range<u64>) -> Bytes {
    let at = |offset: u64| usize::try_from(offset.saturating_sub(of.start)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(range.start)..at(range.end).max(at(range.start)))
}

/// The fewest ranges that hold all of `ranges`, which come sorted.
fn merged(ranges: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Guard {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        match LogFile::of(location) {
            Some(LogFile::Checkpoint) => self.put_checkpoint(location, payload, opts).await,
            _ => self.inner.put_opts(location, payload, opts).await,
        }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if options.head {
            return self.inner.get_opts(location, options).await;
        }
        if let Some(known) = self.known(location) {
            let range = options.range.as_ref().map_or(Ok(0..known.size), |range| range.as_range(known.size));
            let range = match range {
                Ok(range) => range,
                Err(error) => return Err(object_store::Error::Generic { store: "guard", source: error.into() }),
            };
            let (bytes, about) = self.read(location, &known, range, options).await?;
            return Ok(GetResult { payload: once(bytes), ..about });
        }
        match LogFile::of(location) {
            Some(LogFile::Entry) => self.entry(location, options).await,
            Some(LogFile::Checkpoint) => {
                self.check_checkpoint(location).await?;
                self.inner.get_opts(location, options).await
            }
            Some(LogFile::LastCheckpoint) => last_checkpoint(&self.inner, location, options).await,
            None => self.inner.get_opts(location, options).await,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(known) = self.known(location) else {
            if let Some(LogFile::Checkpoint) = LogFile::of(location) {
                self.check_checkpoint(location).await?;
            }
            return self.inner.get_ranges(location, ranges).await;
        };
        if ranges.iter().all(|range| known.is_verified(range)) {
            return match self.inner.get_ranges(location, ranges).await {
                Ok(parts) => Ok(parts),
                Err(error) => Err(self.failed(location, &known, error).await),
            };
        }
        let mut covers: Vec<Range<u64>> = ranges.iter().map(|range| known.cover(range)).collect();
        covers.sort_unstable_by_key(|cover| cover.start);
        let covers = merged(covers);
        let mut blocks = Vec::with_capacity(covers.len());
        for cover in &covers {
            blocks.push(self.read(location, &known, cover.clone(), GetOptions::default()).await?.0);
        }
        let of = |range: &Range<u64>| {
            let held =
                covers.iter().zip(&blocks).find(|(cover, _)| cover.start <= range.start && range.end <= cover.end);
            held.map(|(cover, bytes)| part(bytes, cover, range))
        };
        let parts: Option<Vec<Bytes>> = ranges.iter().map(of).collect();
        parts.ok_or_else(|| self.damaged(location, Damage::Bytes, Some(&known.table)))
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}
