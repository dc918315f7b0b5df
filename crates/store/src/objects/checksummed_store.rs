//! The store that every reader reads through: bytes that differ from those written are an error that names the file,
//! never an answer.
//!
//! The log has the length of each data file and, for files of this program, the hashes of its blocks. A block is
//! checked each time that it comes from the store: a disk may damage what it returned intact an hour ago. Recently read
//! blocks stay in memory as they were checked. Log entries and checkpoints have their own checksums and are checked as
//! often. Files of other writers, and of version 0.1.0, have none: for them the size is checked, and that their bytes
//! do not change after the first read of this process.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    RenameOptions, Result,
};
use parking_lot::{Mutex, RwLock};

use crate::delta::log_file::{LogFile, checksum_path, read_last_checkpoint_hint};
use crate::objects::block_cache::BlockCache;
use crate::objects::checksums::{
    BLOCK_BYTES, BlockChecksums, Checksum, compute_checksum, to_hex, verify_checksum, with_checksum,
};
use crate::objects::damage::{Damage, damage_error};

/// Memory for verified blocks, unless another amount is configured.
const DEFAULT_CACHE_BYTES: usize = 16 << 20;
/// Reads of a file that run at a time for one request.
const MAX_CONCURRENT_READS: usize = 8;

/// A data file as the log describes it.
#[derive(Debug)]
struct RegisteredFile {
    /// A number of its own, which no other file ever has.
    id: u64,
    table: Arc<str>,
    size: u64,
    /// Bytes of a block.
    block: u64,
    /// The checksum of each block: from the log, else of the first read; none before that.
    sums: Mutex<Vec<Option<Checksum>>>,
}

impl RegisteredFile {
    fn new(id: u64, table: &Arc<str>, size: u64, sums: Option<BlockChecksums>) -> Self {
        let (block, sums) = match sums {
            Some(BlockChecksums { block, sums }) => (block, sums.into_iter().map(Some).collect()),
            None => (BLOCK_BYTES, vec![None; usize::try_from(size.div_ceil(BLOCK_BYTES)).unwrap_or(0)]),
        };
        Self { id, table: Arc::clone(table), size, block, sums: Mutex::new(sums) }
    }

    /// Returns the complete blocks that a range touches.
    fn covering_blocks(&self, range: &Range<u64>) -> Range<u64> {
        let end = range.end.div_ceil(self.block).saturating_mul(self.block);
        range.start / self.block * self.block..end.min(self.size)
    }

    /// Returns what is known of the object where it is not asked.
    fn empty_result(&self, path: &Path, range: Range<u64>) -> GetResult {
        let meta = ObjectMeta {
            location: path.clone(),
            last_modified: DateTime::<Utc>::UNIX_EPOCH,
            size: self.size,
            e_tag: None,
            version: None,
        };
        let payload = GetResultPayload::Stream(stream::empty().boxed());
        GetResult { payload, meta, range, attributes: Attributes::default() }
    }

    /// Checks complete blocks that begin at `start`.
    fn verify(&self, start: u64, bytes: &[u8]) -> bool {
        let (Ok(size), Ok(first)) = (usize::try_from(self.block), usize::try_from(start / self.block)) else {
            return false;
        };
        let read: Vec<Checksum> = bytes.chunks(size).map(compute_checksum).collect();
        let mut sums = self.sums.lock();
        let file = sums.get_mut(first..first + read.len());
        file.is_some_and(|file| file.iter_mut().zip(read).all(|(sum, read)| *sum.get_or_insert(read) == read))
    }
}

/// A store whose answers were checked.
#[derive(Debug)]
pub(crate) struct ChecksummedStore {
    inner: Arc<dyn ObjectStore>,
    files: RwLock<HashMap<Path, Arc<RegisteredFile>>>,
    ids: AtomicU64,
    cache: BlockCache,
    /// The checksums of checkpoints that were found intact.
    checkpoints: Mutex<HashMap<Path, Checksum>>,
}

impl std::fmt::Display for ChecksummedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ChecksummedStore({})", self.inner)
    }
}

impl ChecksummedStore {
    /// Returns a checked store over `inner`, whose root is a lake's folder. Errors name files by their paths within the
    /// lake, so that clients do not learn where it is stored.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        let (ids, cache) = (AtomicU64::new(0), BlockCache::new(DEFAULT_CACHE_BYTES));
        Self { inner, files: RwLock::default(), ids, cache, checkpoints: Mutex::default() }
    }

    /// Returns the same store with this much memory for verified blocks.
    pub(crate) fn with_cache(self, max_bytes: usize) -> Self {
        Self { cache: BlockCache::new(max_bytes), ..self }
    }

    pub(crate) fn max_cache_bytes(&self) -> usize {
        self.cache.max_bytes()
    }

    /// Returns whether a data file of this size is known.
    pub(crate) fn is_registered(&self, path: &Path, size: u64) -> bool {
        self.registered_file(path).is_some_and(|file| file.size == size)
    }

    /// Registers a file, whose blocks are checked from now on. Names are never used twice.
    pub(crate) fn register_file(&self, table: &Arc<str>, path: Path, size: u64, sums: Option<BlockChecksums>) {
        let file = RegisteredFile::new(self.ids.fetch_add(1, Ordering::Relaxed), table, size, sums);
        self.files.write().insert(path, Arc::new(file));
    }

    fn registered_file(&self, path: &Path) -> Option<Arc<RegisteredFile>> {
        self.files.read().get(path).cloned()
    }

    fn damage_error(&self, path: &Path, damage: Damage, table: Option<&str>) -> object_store::Error {
        damage_error(path.as_ref(), damage, table)
    }

    /// Returns the error of a failed read of a registered file; it states if the file is gone or has another size.
    async fn explain_failure(
        &self,
        path: &Path,
        file: &RegisteredFile,
        error: object_store::Error,
    ) -> object_store::Error {
        let table = Some(file.table.as_ref());
        match self.inner.head(path).await {
            Err(object_store::Error::NotFound { .. }) => self.damage_error(path, Damage::Missing, table),
            Ok(meta) if meta.size != file.size => {
                self.damage_error(path, Damage::Size { actual: meta.size, expected: file.size }, table)
            }
            _ => error,
        }
    }

    /// Reads complete blocks of a registered file, from memory or from the store.
    async fn read_blocks(&self, path: &Path, file: &RegisteredFile, cover: Range<u64>) -> Result<Bytes> {
        if let Some(bytes) = self.cache.get(file.id, file.block, &cover) {
            return Ok(bytes);
        }
        let start = cover.start;
        let (bytes, _) = self.read_range(path, file, cover, GetOptions::default()).await?;
        self.cache.put(file.id, file.block, start, &bytes);
        Ok(bytes)
    }

    /// Reads a range of a known file, checked; the metadata is that of the object.
    async fn read_range(
        &self,
        path: &Path,
        file: &RegisteredFile,
        range: Range<u64>,
        options: GetOptions,
    ) -> Result<(Bytes, GetResult)> {
        let asked = file.covering_blocks(&range);
        let options = GetOptions { range: Some(GetRange::Bounded(asked.clone())), ..options };
        let result = match self.inner.get_opts(path, options).await {
            Ok(result) if result.meta.size == file.size => result,
            Ok(result) => {
                let damage = Damage::Size { actual: result.meta.size, expected: file.size };
                return Err(self.damage_error(path, damage, Some(&file.table)));
            }
            Err(error) => return Err(self.explain_failure(path, file, error).await),
        };
        let metadata = GetResult { range: range.clone(), ..metadata(&result) };
        let bytes = match result.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return Err(self.explain_failure(path, file, error).await),
        };
        if bytes.len() as u64 != asked.end - asked.start || !file.verify(asked.start, &bytes) {
            return Err(self.damage_error(path, Damage::Bytes, Some(&file.table)));
        }
        Ok((slice_of(&bytes, &asked, &range), metadata))
    }

    /// Reads a log entry, completely or not at all.
    async fn read_log_entry(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let range = options.range.clone();
        let result = self.inner.get_opts(path, GetOptions { range: None, ..options }).await?;
        let metadata = metadata(&result);
        let bytes = result.bytes().await?;
        if let Err(error) = crate::delta::sealed_entry::verify_entry(&bytes, path.as_ref()) {
            return Err(self.damage_error(path, Damage::Entry(error.message().to_owned()), None));
        }
        slice_result(metadata, &bytes, range)
    }

    /// Reads a checkpoint, completely or not at all.
    async fn read_checkpoint(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        let range = options.range.clone();
        let result = self.inner.get_opts(path, GetOptions { range: None, ..options }).await?;
        let metadata = metadata(&result);
        let bytes = result.bytes().await?;
        self.verify_checkpoint(path, compute_checksum(&bytes)).await?;
        slice_result(metadata, &bytes, range)
    }

    /// Fails unless a checkpoint's bytes have the checksum that was written with it, or the one that they had before if
    /// there is none.
    async fn verify_checkpoint(&self, path: &Path, read: Checksum) -> Result<()> {
        let before = self.checkpoints.lock().get(path).copied();
        if before == Some(read) {
            return Ok(());
        }
        let sum = match self.inner.get(&checksum_path(path)).await {
            Ok(found) => Some(found.bytes().await?),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        // A checksum that is damaged itself proves nothing about the checkpoint.
        let is_whole = match sum.as_deref().and_then(verify_checksum) {
            Some(said) => {
                // Sums of versions before this one come without the checkpoint's name.
                let (sum, of) = said.split_once(':').map_or((said, None), |(sum, of)| (sum, Some(of)));
                sum == to_hex(read) && of.is_none_or(|of| of == path.as_ref())
            }
            None => before.is_none(),
        };
        if !is_whole {
            return Err(self.damage_error(path, Damage::Checkpoint, None));
        }
        self.checkpoints.lock().insert(path.clone(), read);
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
                let said = with_checksum(&format!("{}:{path}", to_hex(sum)));
                self.inner.put(&checksum_path(path), said.into()).await.map(|_| done)
            }
            Err(object_store::Error::AlreadyExists { .. }) => Ok(PutResult { e_tag: None, version: None }),
            Err(error) => Err(error),
        }
    }
}

/// Returns whether a read has no conditions and names no version.
fn is_unconditional(options: &GetOptions) -> bool {
    let conditions = options.if_match.is_none() && options.if_none_match.is_none();
    let times = options.if_modified_since.is_none() && options.if_unmodified_since.is_none();
    conditions && times && options.version.is_none()
}

/// Returns what is known of an object, without its bytes.
fn metadata(result: &GetResult) -> GetResult {
    GetResult {
        payload: GetResultPayload::Stream(stream::empty().boxed()),
        meta: result.meta.clone(),
        range: result.range.clone(),
        attributes: result.attributes.clone(),
    }
}

/// Returns the requested range of an object that was read completely.
fn slice_result(metadata: GetResult, bytes: &Bytes, range: Option<GetRange>) -> Result<GetResult> {
    let size = bytes.len() as u64;
    let range = match range.map(|range| range.as_range(size)) {
        None => 0..size,
        Some(Ok(range)) => range,
        Some(Err(error)) => {
            return Err(object_store::Error::Generic { store: "ChecksummedStore", source: error.into() });
        }
    };
    Ok(GetResult { payload: single_chunk(slice_of(bytes, &(0..size), &range)), range, ..metadata })
}

fn single_chunk(bytes: Bytes) -> GetResultPayload {
    GetResultPayload::Stream(stream::once(async move { Ok(bytes) }).boxed())
}

/// Returns the bytes of `range` from those of `of`, which holds it.
fn slice_of(bytes: &Bytes, of: &Range<u64>, range: &Range<u64>) -> Bytes {
    let at = |offset: u64| usize::try_from(offset.saturating_sub(of.start)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(range.start)..at(range.end).max(at(range.start)))
}

/// Returns the fewest ranges that hold all of `ranges`, which come sorted.
fn merge_ranges(ranges: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
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
impl ObjectStore for ChecksummedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        match LogFile::from_path(location) {
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
        if let Some(file) = self.registered_file(location) {
            let range = options.range.as_ref().map_or(Ok(0..file.size), |range| range.as_range(file.size));
            let range = match range {
                Ok(range) => range,
                Err(error) => {
                    return Err(object_store::Error::Generic { store: "ChecksummedStore", source: error.into() });
                }
            };
            if options.range.is_some() && is_unconditional(&options) {
                let cover = file.covering_blocks(&range);
                let bytes = self.read_blocks(location, &file, cover.clone()).await?;
                return Ok(GetResult {
                    payload: single_chunk(slice_of(&bytes, &cover, &range)),
                    ..file.empty_result(location, range)
                });
            }
            let (bytes, metadata) = self.read_range(location, &file, range, options).await?;
            return Ok(GetResult { payload: single_chunk(bytes), ..metadata });
        }
        match LogFile::from_path(location) {
            Some(LogFile::Entry) => self.read_log_entry(location, options).await,
            Some(LogFile::Checkpoint) => self.read_checkpoint(location, options).await,
            Some(LogFile::LastCheckpoint) => read_last_checkpoint_hint(&self.inner, location, options).await,
            None => self.inner.get_opts(location, options).await,
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(file) = self.registered_file(location) else {
            if LogFile::from_path(location).is_none() {
                return self.inner.get_ranges(location, ranges).await;
            }
            let bytes = self.get_opts(location, GetOptions::default()).await?.bytes().await?;
            let whole = 0..bytes.len() as u64;
            return Ok(ranges.iter().map(|range| slice_of(&bytes, &whole, range)).collect());
        };
        let mut covers: Vec<Range<u64>> = ranges.iter().map(|range| file.covering_blocks(range)).collect();
        covers.sort_unstable_by_key(|cover| cover.start);
        let covers = merge_ranges(covers);
        let mut reads = Vec::with_capacity(covers.len());
        for cover in &covers {
            reads.push(self.read_blocks(location, &file, cover.clone()).boxed());
        }
        let blocks: Vec<Bytes> = stream::iter(reads).buffered(MAX_CONCURRENT_READS).try_collect().await?;
        let of = |range: &Range<u64>| {
            let held =
                covers.iter().zip(&blocks).find(|(cover, _)| cover.start <= range.start && range.end <= cover.end);
            held.map(|(cover, bytes)| slice_of(bytes, cover, range))
        };
        let parts: Option<Vec<Bytes>> = ranges.iter().map(of).collect();
        parts.ok_or_else(|| self.damage_error(location, Damage::Bytes, Some(&file.table)))
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
