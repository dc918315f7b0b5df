//! Saved files of CSV: all of it is checked, then its rows are read.

use std::io::BufRead;

use csv::{ByteRecord, Reader, ReaderBuilder};
use lake_model::{Error, Result};

use crate::decode::decoder::Decoder;
use crate::file::csv_header::{Header, count_declared, read_header};
use crate::file::csv_record;
use crate::file::csv_validator::CsvValidator;
use crate::file::date_order::DateOrders;
use crate::file::text_input::{RowBound, RowBytes, unreadable};

/// Other separators of columns than the comma.
const OTHER_SEPARATORS: [(char, &str); 3] = [(';', "a semicolon"), ('\t', "a tab"), ('|', "a `|`")];

/// A file of CSV that is being read.
pub(crate) struct CsvFile<'d> {
    decoder: &'d Decoder,
    reader: Reader<CsvValidator<RowBound>>,
    row_bytes: RowBytes,
    record: ByteRecord,
    titles: ByteRecord,
    header: Header,
    packed: bool,
}

impl<'d> CsvFile<'d> {
    /// Begins to read the file.
    ///
    /// # Errors
    /// If it has no titles, or they are not those of the resource.
    pub(crate) fn open(decoder: &'d Decoder, mut input: Box<dyn BufRead>, packed: bool) -> Result<Self> {
        let start = input.fill_buf().map_err(|error| unreadable(&error, packed))?;
        let line = start.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        refuse_other_separators(decoder, &String::from_utf8_lossy(line))?;
        let (input, row_bytes) = RowBound::new(input);
        let reader = ReaderBuilder::new().flexible(true).has_headers(false).from_reader(CsvValidator::new(input));
        let header = Header { names: Vec::new(), warning: None };
        let (record, titles) = (ByteRecord::new(), ByteRecord::new());
        let mut file = Self { decoder, reader, row_bytes, record, titles, header, packed };
        if !file.advance()? {
            return Err(Error::invalid("the file is empty: it has not even titles"));
        }
        let titles: Vec<&str> = texts(&file.record)?;
        file.header = read_header(decoder, &titles)?;
        file.titles = file.record.clone();
        Ok(file)
    }

    /// Reads on to the next record; false at the end of the file.
    fn advance(&mut self) -> Result<bool> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(more) => {
                self.row_bytes.set(0);
                Ok(more)
            }
            Err(error) => Err(match error.into_kind() {
                csv::ErrorKind::Io(error) => unreadable(&error, self.packed),
                other => Error::invalid(format!("the file is not valid CSV: {other:?}")),
            }),
        }
    }

    /// Reads the next row as the JSON of a published row.
    ///
    /// # Errors
    /// If its text is not UTF-8, or it has not as many fields as there are titles.
    pub(crate) fn next_row(&mut self) -> Result<Option<String>> {
        if !self.advance()? {
            return Ok(None);
        }
        let fields = self.fields()?;
        Ok(Some(csv_record::record_to_json(self.decoder, self.header.names.iter().map(String::as_str).zip(fields))))
    }

    fn fields(&self) -> Result<Vec<&str>> {
        let (found, titles) = (self.record.len(), self.header.names.len());
        if found != titles {
            let line = line_of(&self.record);
            return Err(Error::invalid(format!(
                "line {line}: the row that begins here has {found} fields, and there are {titles} titles; is a comma not \
                 quoted, or was the download cut off?"
            )));
        }
        texts(&self.record)
    }

    /// Reads the complete file without landing anything, and returns remarks for its user.
    ///
    /// # Errors
    /// If anything is wrong with any row of it.
    pub(crate) fn check(mut self) -> Result<Vec<String>> {
        let mut orders = DateOrders::new(self.decoder);
        while self.advance()? {
            let line = line_of(&self.record);
            if self.record.iter().eq(&self.titles) {
                return Err(Error::invalid(format!(
                    "line {line}: the titles of line 1 again; if several exports were joined, remove the repeated titles"
                )));
            }
            for (name, text) in self.header.names.iter().zip(self.fields()?) {
                orders.add(name, text, || format!("line {line}"));
            }
        }
        orders.check()?;
        let mut warnings: Vec<String> = self.header.warning.into_iter().collect();
        if !self.reader.get_ref().ends_with_a_line() {
            warnings
                .push("the last line has no end: if the download was cut off, its last value is incomplete".to_owned());
        }
        Ok(warnings)
    }
}

fn line_of(record: &ByteRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

/// Returns the fields of a record as text.
fn texts(record: &ByteRecord) -> Result<Vec<&str>> {
    let mut texts = Vec::with_capacity(record.len());
    for field in record {
        texts.push(std::str::from_utf8(field).map_err(|error| {
            let byte = field.get(error.valid_up_to()).copied().unwrap_or_default();
            Error::invalid(format!(
                "line {}: the row that begins here holds the byte 0x{byte:02X}, which is not UTF-8; save the file as UTF-8 \
                 (it may be Latin-1 or Windows-1252)",
                line_of(record)
            ))
        })?);
    }
    Ok(texts)
}

/// Rejects a file with another separator: it usually has decimal commas and dates of another order.
fn refuse_other_separators(decoder: &Decoder, line: &str) -> Result<()> {
    if let Some(hint) = line.trim().strip_prefix("sep=") {
        let text =
            format!("line 1 is `sep={hint}`, a hint for spreadsheets; remove it, and separate columns with commas");
        return Err(Error::invalid(text));
    }
    let declared =
        |separator| count_declared(decoder, line.split(separator).map(|title| title.trim().trim_matches('"')));
    let found = declared(',');
    match OTHER_SEPARATORS.into_iter().find(|(separator, _)| line.contains(*separator) && declared(*separator) > found)
    {
        None => Ok(()),
        Some((_, name)) => Err(Error::invalid(format!(
            "line 1: the columns are separated with {name}; save the file with commas between its columns"
        ))),
    }
}
