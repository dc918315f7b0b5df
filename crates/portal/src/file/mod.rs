//! Rows saved from a portal: `X.json`, `X.csv`, either with `.gz`, read in pages of bounded memory.
//!
//! A file is read twice: all of it is checked before the first page is handed over, so that a broken one lands nothing.

mod csv_file;
pub(crate) mod csv_header;
mod csv_record;
mod csv_validator;
mod date_order;
mod json_file;
pub(crate) mod text_input;

use std::path::Path;

use lake_model::{Error, Result};

use crate::decode::decoder::Decoder;
use crate::decode::page::Page;
use crate::decode::page_builder::PageBuilder;
use crate::file::csv_file::CsvFile;
use crate::file::text_input::open_text;
use crate::soda::stamps::latest_local_stamp;

/// Reads a saved file and hands over its pages of at most `page_size` rows.
///
/// # Errors
/// If the file cannot be read, is neither JSON nor CSV, is broken anywhere, or `land` fails.
pub fn read_file(
    decoder: &Decoder,
    path: &Path,
    page_size: usize,
    mut land: impl FnMut(Page) -> Result<()>,
) -> Result<()> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_lowercase();
    let (name, packed) = name.strip_suffix(".gz").map_or((name.as_str(), false), |inner| (inner, true));
    let named = |e: Error| e.context(path.display());
    let latest_stamp = latest_local_stamp();
    let page = decoder.begin_checked(latest_stamp);
    let mut pages = Pages { decoder, page, page_size, latest_stamp, land: &mut land };
    let warn = |warnings: Vec<String>| {
        for warning in warnings {
            tracing::warn!(resource = decoder.resource().name, file = %path.display(), "{warning}");
        }
    };
    if name.ends_with(".csv") {
        let open = || CsvFile::open(decoder, open_text(path)?, packed);
        warn(open().and_then(CsvFile::check).map_err(named)?);
        let mut rows = open().map_err(named)?;
        while let Some(row) = rows.next_row().map_err(named)? {
            pages.push(&row)?;
        }
    } else if name.ends_with(".json") {
        let open = || open_text(path).map_err(named);
        warn(json_file::check_rows(decoder, open()?, packed).map_err(named)?);
        json_file::read_rows(open()?, packed, &mut |row| pages.push(row)).map_err(named)?;
    } else {
        return Err(Error::invalid(format!("{}: a saved file is .json or .csv, with or without .gz", path.display())));
    }
    pages.end()
}

/// Rows that are put together to pages.
struct Pages<'d, 'l> {
    decoder: &'d Decoder,
    page: PageBuilder<'d>,
    page_size: usize,
    latest_stamp: i64,
    land: &'l mut dyn FnMut(Page) -> Result<()>,
}

impl Pages<'_, '_> {
    fn push(&mut self, row: &str) -> Result<()> {
        self.page.push(row);
        if self.page.len() >= self.page_size {
            let full = std::mem::replace(&mut self.page, self.decoder.begin_checked(self.latest_stamp));
            (self.land)(full.finish()?)?;
        }
        Ok(())
    }

    fn end(self) -> Result<()> {
        if self.page.len() > 0 { (self.land)(self.page.finish()?) } else { Ok(()) }
    }
}
