//! Rows saved from a portal: `X.json`, `X.csv`, either with `.gz`, read in pages of bounded memory.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use lake_model::{Error, Kind, Result, ResultExt};
use serde::de::{DeserializeSeed, Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::decode::{Decoder, Page};
use crate::export;
use crate::stamp::latest_stamp_here;

/// The most bytes of a row, with what is read ahead.
const MAX_ROW_BYTES: usize = 64 << 20;

/// Reads a saved file and hands over its pages of at most `page_size` rows.
///
/// # Errors
/// If the file cannot be read, is neither JSON nor CSV, or `land` fails.
pub fn read_file(
    decoder: &Decoder,
    path: &Path,
    page_size: usize,
    mut land: impl FnMut(Page) -> Result<()>,
) -> Result<()> {
    let shown = path.display();
    let row_bytes = Rc::new(Cell::new(0));
    let file = File::open(path).or_err(Kind::NotFound, || format!("{shown} cannot be opened"))?;
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_lowercase();
    let (name, input): (&str, Box<dyn Read>) = match name.strip_suffix(".gz") {
        Some(inner) => (inner, Box::new(MultiGzDecoder::new(BufReader::new(file)))),
        None => (&name, Box::new(file)),
    };
    let input = Box::new(RowBound { inner: input, row_bytes: Rc::clone(&row_bytes) });
    let mut pages = Pages { decoder, page_size, row_bytes, latest_stamp: latest_stamp_here(), land: &mut land };
    if name.ends_with(".csv") {
        pages.csv(input).map_err(|e| e.context(shown))
    } else if name.ends_with(".json") {
        pages.json(input).map_err(|e| e.context(shown))
    } else {
        Err(Error::invalid(format!("{shown}: a saved file is .json or .csv, with or without .gz")))
    }
}

/// Fails where a row does not end: what is not yet a row is held in memory.
struct RowBound {
    inner: Box<dyn Read>,
    /// Bytes read since the last row ended.
    row_bytes: Rc<Cell<usize>>,
}

impl Read for RowBound {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        if self.row_bytes.get() > MAX_ROW_BYTES {
            let text = format!("a row is longer than {} MiB", MAX_ROW_BYTES >> 20);
            return Err(std::io::Error::other(text));
        }
        let read = self.inner.read(bytes)?;
        self.row_bytes.set(self.row_bytes.get() + read);
        Ok(read)
    }
}

struct Pages<'d, 'l> {
    decoder: &'d Decoder,
    page_size: usize,
    row_bytes: Rc<Cell<usize>>,
    latest_stamp: i64,
    land: &'l mut dyn FnMut(Page) -> Result<()>,
}

impl Pages<'_, '_> {
    fn csv(&mut self, input: Box<dyn Read>) -> Result<()> {
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(BufReader::new(input));
        let broken = || "the file is no CSV";
        let titles = reader.headers().or_err(Kind::Invalid, broken)?.clone();
        let names: Vec<String> = titles.iter().map(export::field_name).collect();
        self.require_key(&names)?;
        let mut page = self.decoder.begin_as_of(self.latest_stamp);
        for record in reader.records() {
            let record = record.or_err(Kind::Invalid, broken)?;
            self.row_bytes.set(0);
            page.push(&export::row(self.decoder, names.iter().map(String::as_str).zip(&record)));
            if page.len() >= self.page_size {
                (self.land)(std::mem::replace(&mut page, self.decoder.begin_as_of(self.latest_stamp)).finish()?)?;
            }
        }
        if page.len() > 0 { (self.land)(page.finish()?) } else { Ok(()) }
    }

    /// A file of another dataset would be nothing but rejects: better said at once.
    fn require_key(&self, names: &[String]) -> Result<()> {
        let resource = self.decoder.resource();
        for key in &resource.key {
            let there = names
                .iter()
                .any(|name| self.decoder.column_index(name).is_some_and(|index| &resource.columns[index].name == key));
            if !there {
                return Err(Error::invalid(format!(
                    "no column is `{key}`, the key of {}; a portal's /resource/{}.csv names its columns so",
                    resource.name, resource.dataset
                )));
            }
        }
        Ok(())
    }

    fn json(&mut self, input: Box<dyn Read>) -> Result<()> {
        let mut failure = None;
        let mut deserializer = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 20, input));
        let read = deserializer.deserialize_seq(Rows { pages: self, failure: &mut failure });
        match (failure, read) {
            (Some(failure), _) => Err(failure),
            (None, read) => {
                read.and_then(|()| deserializer.end()).or_err(Kind::Invalid, || "the file is no JSON array of objects")
            }
        }
    }
}

struct Rows<'p, 'd, 'l> {
    pages: &'p mut Pages<'d, 'l>,
    failure: &'p mut Option<Error>,
}

impl<'de> Visitor<'de> for Rows<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> std::result::Result<(), A::Error> {
        let mut page = self.pages.decoder.begin_as_of(self.pages.latest_stamp);
        let mut give = |page: crate::decode::PageBuilder<'_>, failure: &mut Option<Error>| -> bool {
            match page.finish().and_then(|page| (self.pages.land)(page)) {
                Ok(()) => true,
                Err(error) => {
                    *failure = Some(error);
                    false
                }
            }
        };
        let stopped = || serde::de::Error::custom("stopped");
        while let Some(row) = rows.next_element_seed(OneRow)? {
            page.push(row.get());
            self.pages.row_bytes.set(0);
            if page.len() >= self.pages.page_size {
                let full = std::mem::replace(&mut page, self.pages.decoder.begin_as_of(self.pages.latest_stamp));
                if !give(full, self.failure) {
                    return Err(stopped());
                }
            }
        }
        if page.len() > 0 && !give(page, self.failure) {
            return Err(stopped());
        }
        Ok(())
    }
}

struct OneRow;

impl<'de> DeserializeSeed<'de> for OneRow {
    type Value = Box<RawValue>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Self::Value, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}
