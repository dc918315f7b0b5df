//! The output formats, and the options that they have.

use lake_model::{Error, Result, listed, nearest};

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table for people.
    Table,
    /// One array of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// Comma-separated, with a header.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
    /// A GeoJSON FeatureCollection: a feature a row, with the polygon of its `cell` or the point of its `latitude` and
    /// `longitude`, or without a place.
    GeoJson,
}

const NAMES: [(&str, Format); 7] = [
    ("table", Format::Table),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("csv", Format::Csv),
    ("arrow", Format::Arrow),
    ("parquet", Format::Parquet),
    ("geojson", Format::GeoJson),
];

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(NAMES.iter().find(|(_, format)| format == self).map_or("", |(name, _)| name))
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let names = || NAMES.iter().map(|(name, _)| *name);
        NAMES.iter().find(|(name, _)| *name == text).map(|(_, format)| *format).ok_or_else(|| {
            let near = nearest(text, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            Error::invalid(format!("`{text}` is not a format; {near}expected {}", listed(names())))
        })
    }
}

/// How the column `cell` is written where the format has no 64-bit integers: readers of JSON keep 53 bits of a number, and
/// spreadsheets 15 digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cells {
    /// As hexadecimal text in JSON and CSV.
    #[default]
    Text,
    /// As the number that tables hold.
    Number,
}

impl Cells {
    /// Their names.
    pub const NAMES: &'static [&'static str] = &["text", "number"];
}

impl std::str::FromStr for Cells {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "text" => Ok(Self::Text),
            "number" => Ok(Self::Number),
            _ => Err(Error::invalid(format!(
                "`{text}` is not a form of cells: expected {}",
                listed(Self::NAMES.iter().copied())
            ))),
        }
    }
}

/// The options of an answer's form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterOptions {
    /// How cells are written.
    pub cells: Cells,
    /// Whether Parquet has a column `geometry` where rows have a place, and so is GeoParquet.
    pub has_geometry: bool,
}
