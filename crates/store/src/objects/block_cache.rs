//! Verified blocks of data files, cached in memory: a block that is read again within moments is neither read from the
//! store nor checked again.
//!
//! Files never change, so a verified block stays right even if the disk damages it later. The least recently used
//! blocks are dropped first.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

/// Larger reads are those of scans, which do not come back and would push everything else out.
const MAX_READ_BYTES: u64 = 4 << 20;

/// A file, and the number of a block in it.
type BlockId = (u64, u64);

/// A bounded cache of blocks.
#[derive(Debug)]
pub(crate) struct BlockCache {
    max_bytes: usize,
    blocks: Mutex<CachedBlocks>,
}

#[derive(Debug, Default)]
struct CachedBlocks {
    bytes: usize,
    clock: u64,
    kept: HashMap<BlockId, (Bytes, u64)>,
    by_use: BTreeMap<u64, BlockId>,
}

impl BlockCache {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, blocks: Mutex::default() }
    }

    pub(crate) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Returns the bytes of `range` of a file, which consists of complete blocks of `block` bytes (the last may be
    /// shorter); `None` if one of them is not cached.
    pub(crate) fn get(&self, file: u64, block: u64, range: &Range<u64>) -> Option<Bytes> {
        let mut blocks = self.blocks.lock();
        let numbers = range.start / block..range.end.div_ceil(block);
        if numbers.clone().count() == 1 {
            return blocks.touch((file, numbers.start));
        }
        let parts: Vec<Bytes> = numbers.map(|number| blocks.touch((file, number))).collect::<Option<_>>()?;
        drop(blocks);
        let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
        parts.iter().for_each(|part| whole.extend_from_slice(part));
        Some(whole.freeze())
    }

    /// Caches complete blocks that begin at `start` of a file.
    pub(crate) fn put(&self, file: u64, block: u64, start: u64, bytes: &[u8]) {
        let (Ok(size), true) = (usize::try_from(block), bytes.len() as u64 <= MAX_READ_BYTES) else { return };
        for (number, part) in (start / block..).zip(bytes.chunks(size)) {
            if part.len() <= self.max_bytes {
                let mut blocks = self.blocks.lock();
                // A copy of its own: a part would keep all that was read with it.
                blocks.insert((file, number), Bytes::copy_from_slice(part));
                blocks.shrink(self.max_bytes);
            }
        }
    }
}

impl CachedBlocks {
    fn touch(&mut self, block: BlockId) -> Option<Bytes> {
        self.clock += 1;
        let (bytes, used) = self.kept.get_mut(&block)?;
        self.by_use.remove(used);
        *used = self.clock;
        self.by_use.insert(self.clock, block);
        Some(bytes.clone())
    }

    fn insert(&mut self, block: BlockId, bytes: Bytes) {
        self.clock += 1;
        self.bytes += bytes.len();
        self.by_use.insert(self.clock, block);
        if let Some((before, used)) = self.kept.insert(block, (bytes, self.clock)) {
            self.by_use.remove(&used);
            self.bytes -= before.len();
        }
    }

    fn shrink(&mut self, max_bytes: usize) {
        while self.bytes > max_bytes
            && let Some((_, block)) = self.by_use.pop_first()
            && let Some((bytes, _)) = self.kept.remove(&block)
        {
            self.bytes -= bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_kept_up_to_the_bound_and_the_last_used_stay() {
        let cache = BlockCache::new(30);
        cache.put(1, 10, 0, &[7; 25]);
        assert_eq!(cache.get(1, 10, &(0..25)).as_deref(), Some(&[7; 25][..]));
        assert_eq!(cache.get(1, 10, &(10..20)).as_deref(), Some(&[7; 10][..]));
        assert_eq!(cache.get(2, 10, &(0..10)), None, "another file");
        // The first block was used after the third, and goes after it.
        assert!(cache.get(1, 10, &(0..10)).is_some());
        cache.put(2, 10, 0, &[8; 10]);
        assert_eq!(cache.get(1, 10, &(20..25)), None);
        assert!(cache.get(1, 10, &(0..10)).is_some() && cache.get(2, 10, &(0..10)).is_some());
        cache.put(2, 10, 0, &[8; 10]);
        let blocks = cache.blocks.lock();
        assert_eq!((blocks.bytes, blocks.kept.len(), blocks.by_use.len()), (30, 3, 3));
    }

    #[test]
    fn nothing_is_kept_without_room() {
        let cache = BlockCache::new(0);
        cache.put(1, 10, 0, &[7; 10]);
        assert_eq!(cache.get(1, 10, &(0..10)), None);
    }
}
