//! Checksums of a data file, one for each block of its bytes, as the log stores them with the file's name.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use object_store::buffered::BufWriter;
use parking_lot::Mutex;
use parquet::arrow::async_writer::AsyncFileWriter;

/// Bytes of a block: the unit that must be read to verify any byte in it.
pub(crate) const BLOCK_BYTES: u64 = 1 << 20;
/// The same as the length of a slice.
const BLOCK_LEN: usize = 1 << 20;
/// The tag of an add action that holds the sums.
pub(crate) const CHECKSUMS_TAG: &str = "hotspots.blake3";

/// The first half of a BLAKE3 hash: enough against accidents, half the log.
pub(crate) type Checksum = [u8; 16];

pub(crate) fn compute_checksum(bytes: &[u8]) -> Checksum {
    truncate_hash(&blake3::hash(bytes))
}

fn truncate_hash(hash: &blake3::Hash) -> Checksum {
    let mut sum = [0; 16];
    sum.copy_from_slice(&hash.as_bytes()[..16]);
    sum
}

pub(crate) fn to_hex(sum: Checksum) -> String {
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns a short text with its own sum, for files that hold nothing else.
pub(crate) fn with_checksum(text: &str) -> String {
    format!("{text} {}", to_hex(compute_checksum(text.as_bytes())))
}

/// Returns the text of [`with_checksum`]; none if it is not what was written.
pub(crate) fn verify_checksum(bytes: &[u8]) -> Option<&str> {
    let (text, sum) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
    (sum == to_hex(compute_checksum(text.as_bytes()))).then_some(text)
}

fn parse_hex(text: &str) -> Option<Checksum> {
    let mut sum = [0; 16];
    if text.len() != 32 {
        return None;
    }
    for (n, byte) in sum.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(sum)
}

/// The sums of a file's blocks, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockChecksums {
    /// Bytes of each block but the last, which may be shorter.
    pub(crate) block: u64,
    pub(crate) sums: Vec<Checksum>,
}

impl BlockChecksums {
    /// Returns the text of the tag: the block's size, a colon, the sums in hex with commas between.
    pub(crate) fn to_tag(&self) -> String {
        let sums: Vec<String> = self.sums.iter().map(|sum| to_hex(*sum)).collect();
        format!("{}:{}", self.block, sums.join(","))
    }

    pub(crate) fn parse_tag(text: &str) -> Option<Self> {
        let (block, sums) = text.split_once(':')?;
        let block: u64 = block.parse().ok().filter(|block| *block > 0)?;
        let sums = sums.split(',').filter(|sum| !sum.is_empty()).map(parse_hex).collect::<Option<_>>()?;
        Some(Self { block, sums })
    }
}

/// Sums of bytes that come in pieces.
#[derive(Debug, Default)]
struct BlockHasher {
    hasher: blake3::Hasher,
    filled: usize,
    sums: Vec<Checksum>,
}

impl BlockHasher {
    fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_LEN - self.filled));
            self.hasher.update(now);
            self.filled += now.len();
            if self.filled == BLOCK_LEN {
                self.close();
            }
            bytes = later;
        }
    }

    fn close(&mut self) {
        self.sums.push(truncate_hash(&self.hasher.finalize()));
        self.hasher.reset();
        self.filled = 0;
    }

    fn finish(&mut self) -> BlockChecksums {
        if self.filled > 0 {
            self.close();
        }
        BlockChecksums { block: BLOCK_BYTES, sums: std::mem::take(&mut self.sums) }
    }
}

/// The checksums of the bytes that a [`ChecksummingWriter`] has written.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedBlockHasher(Arc<Mutex<BlockHasher>>);

impl SharedBlockHasher {
    /// Returns all sums, the last block's among them; to be asked once, at the end.
    pub(crate) fn finish(&self) -> BlockChecksums {
        self.0.lock().finish()
    }
}

/// A sink that sums what goes to the store.
pub(crate) struct ChecksummingWriter {
    sink: BufWriter,
    sums: SharedBlockHasher,
}

impl ChecksummingWriter {
    pub(crate) fn new(sink: BufWriter) -> (Self, SharedBlockHasher) {
        let sums = SharedBlockHasher::default();
        (Self { sink, sums: sums.clone() }, sums)
    }
}

impl AsyncFileWriter for ChecksummingWriter {
    fn write(&mut self, bytes: Bytes) -> BoxFuture<'_, parquet::errors::Result<()>> {
        self.sums.0.lock().update(&bytes);
        AsyncFileWriter::write(&mut self.sink, bytes)
    }

    fn complete(&mut self) -> BoxFuture<'_, parquet::errors::Result<()>> {
        self.sink.complete()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_those_of_the_blocks_however_the_bytes_come() {
        let bytes: Vec<u8> = (0..=250).cycle().take(3 * BLOCK_LEN + 7).collect();
        let expected: Vec<Checksum> = bytes.chunks(BLOCK_LEN).map(compute_checksum).collect();
        for piece in [1, 1000, BLOCK_LEN - 1, BLOCK_LEN, 2 * BLOCK_LEN + 3, bytes.len()] {
            let mut summing = BlockHasher::default();
            // Single bytes only where it is quick.
            let part = if piece == 1 { &bytes[2 * BLOCK_LEN..] } else { &bytes[..] };
            part.chunks(piece).for_each(|chunk| summing.update(chunk));
            let sums = summing.finish().sums;
            assert_eq!(sums, if piece == 1 { &expected[2..] } else { &expected[..] }, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_tag_is_read_as_it_was_written_and_nothing_else_is() {
        let sums = BlockChecksums { block: 1 << 20, sums: vec![compute_checksum(b"a"), compute_checksum(b"b")] };
        assert_eq!(BlockChecksums::parse_tag(&sums.to_tag()), Some(sums.clone()));
        for damaged in
            ["", "0:", "x:00", "1048576:00", &sums.to_tag().replace(',', ";"), &sums.to_tag().replace("10", "zz")]
        {
            assert_ne!(BlockChecksums::parse_tag(damaged), Some(sums.clone()), "{damaged}");
        }
    }
}
