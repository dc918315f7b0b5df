//! The output formats, and the options that they have.

use lake_model::{Error, listed, nearest};
use strum::{Display, EnumString, VariantNames};

/// An output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase", parse_err_ty = Error, parse_err_fn = unknown_format)]
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

fn unknown_format(text: &str) -> Error {
    let names = || Format::VARIANTS.iter().copied();
    let near = nearest(text, names()).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    Error::invalid(format!("`{text}` is not a format; {near}expected {}", listed(names())))
}

/// How the column `cell` is written where the format has no 64-bit integers: readers of JSON keep 53 bits of a number, and
/// spreadsheets 15 digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase", parse_err_ty = Error, parse_err_fn = unknown_cells)]
pub enum Cells {
    /// As hexadecimal text in JSON and CSV.
    #[default]
    Text,
    /// As the number that tables hold.
    Number,
}

impl Cells {
    /// Their names.
    pub const NAMES: &'static [&'static str] = Self::VARIANTS;
}

fn unknown_cells(text: &str) -> Error {
    let names = listed(Cells::NAMES.iter().copied());
    Error::invalid(format!("`{text}` is not a form of cells: expected {names}"))
}

/// The options of an answer's form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterOptions {
    /// How cells are written.
    pub cells: Cells,
    /// Whether Parquet has a column `geometry` where rows have a place, and so is GeoParquet.
    pub has_geometry: bool,
}
