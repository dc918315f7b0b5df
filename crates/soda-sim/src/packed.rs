//! The texts of rows in compressed blocks: synthetic texts are repetitive, and the program that reads the portal shares
//! its memory.

use std::cell::OnceCell;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::row::{Row, Text};

/// Bytes of text in a block. A page of rows decompresses a few blocks completely.
const BLOCK_BYTES: usize = 256 << 10;

/// Compressed blocks of texts.
#[derive(Debug, Default)]
pub(crate) struct Blocks(Vec<Box<[u8]>>);

/// Texts on their way into blocks. Those that are read one after another should be pushed so.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    open: String,
    packed: Vec<Box<[u8]>>,
}

impl Packer {
    /// Creates a packer that continues after the existing blocks.
    pub(crate) fn after(blocks: Blocks) -> Packer {
        Packer { open: String::new(), packed: blocks.0 }
    }

    pub(crate) fn push(&mut self, text: &str) -> Text {
        if self.open.len() + text.len() > BLOCK_BYTES {
            self.close();
        }
        let start = self.open.len();
        self.open.push_str(text);
        Text::Packed { block: self.packed.len(), bytes: start..self.open.len() }
    }

    pub(crate) fn finish(mut self) -> Blocks {
        self.close();
        Blocks(self.packed)
    }

    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        // Writing into memory cannot fail.
        let packed = encoder.write_all(self.open.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        self.packed.push(packed.into_boxed_slice());
        self.open.clear();
    }
}

/// The texts of a dataset's rows for one query: a block is unpacked once, and is gone with the query.
#[derive(Debug)]
pub(crate) struct Texts<'d> {
    blocks: &'d Blocks,
    unpacked: Vec<OnceCell<String>>,
}

impl<'d> Texts<'d> {
    pub(crate) fn of(blocks: &'d Blocks) -> Texts<'d> {
        Texts { blocks, unpacked: vec![OnceCell::new(); blocks.0.len()] }
    }

    /// Returns the text of a row.
    pub(crate) fn text<'t>(&'t self, row: &'t Row) -> &'t str {
        match &row.text {
            Text::Own(text) => text,
            Text::Packed { block, bytes } => {
                let unpacked = self.unpacked.get(*block).map(|of| of.get_or_init(|| self.unpack(*block)));
                unpacked.and_then(|text| text.get(bytes.clone())).unwrap_or_default()
            }
        }
    }

    fn unpack(&self, block: usize) -> String {
        let mut text = String::with_capacity(BLOCK_BYTES);
        let packed = self.blocks.0.get(block).map_or(&[][..], |packed| &packed[..]);
        // Blocks that were packed here can be unpacked.
        let _ = DeflateDecoder::new(packed).read_to_string(&mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_read_back_as_they_were_packed() {
        let texts: Vec<String> =
            (0..3_000).map(|n| format!("{{\"number\":\"{n}\",\"größe\":\"{}\"}}", n % 7)).collect();
        let mut packer = Packer::default();
        let row = |text| Row { version: 0, created_at: 0, text, plain_end: 0 };
        let rows: Vec<Row> = texts.iter().map(|text| row(packer.push(&text.repeat(5)))).collect();
        let blocks = packer.finish();
        assert!(blocks.0.len() > 1, "more than a block");
        let mut packer = Packer::after(blocks);
        let later = row(packer.push("later"));
        let blocks = packer.finish();
        let read = Texts::of(&blocks);
        for (row, text) in rows.iter().zip(&texts).rev() {
            assert_eq!(read.text(row), text.repeat(5));
        }
        assert_eq!(read.text(&later), "later");
        assert_eq!(read.text(&row(Text::Own("own".into()))), "own");
    }
}
