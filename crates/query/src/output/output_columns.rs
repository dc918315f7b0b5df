//! The columns of an answer as a format writes them: each under a unique name, with a type that the format can
//! represent. Other types are rejected with an error that names the column, before the first byte is written.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringBuilder, make_array, new_null_array};
use arrow::compute::{CastOptions, cast, cast_with_options, max, min};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, IntervalUnit, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use lake_model::{Error, Kind, Result, ResultExt};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use crate::functions::h3::cells_as_text;
use crate::output::format::{Cells, Format};

/// Times that are written as text are within this many seconds of 1970: a little more than 259,000 years.
const MAX_TEXT_SECONDS: i128 = 8_200_000_000_000;
/// Durations that are written as text are shorter.
const MAX_TEXT_DURATION_SECONDS: i128 = 9_000_000_000_000_000;
const SECONDS_PER_DAY: i128 = 86_400;

/// The columns of an answer in one format.
#[derive(Clone, Debug)]
pub struct OutputColumns {
    format: Format,
    schema: SchemaRef,
    conversions: Vec<Conversion>,
    /// Whether rows are written as they come.
    is_unchanged: bool,
}

/// The conversion of a column's values.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Conversion {
    Keep,
    /// A cell as its hex text: readers of JSON keep only 53 bits of a number, spreadsheets 15 digits.
    CellText,
    /// A nested value as JSON: CSV has no other place for it.
    JsonText,
    /// A time in a unit that the format has.
    Cast(DataType),
}

impl OutputColumns {
    /// Creates the columns of `schema` as `format` writes them.
    ///
    /// # Errors
    /// If the format cannot hold the type of a column.
    pub fn new(format: Format, schema: &SchemaRef) -> Result<Self> {
        Self::with_cells(format, schema, Cells::default())
    }

    /// Creates the same columns, with cells in this form.
    ///
    /// # Errors
    /// If the format cannot hold the type of a column.
    pub(crate) fn with_cells(format: Format, schema: &SchemaRef, cells: Cells) -> Result<Self> {
        let names = unique_names(schema.fields());
        let (mut fields, mut conversions) = (Vec::with_capacity(names.len()), Vec::with_capacity(names.len()));
        for (field, name) in schema.fields().iter().zip(names) {
            check_type(format, field)?;
            let conversion = conversion(format, field, cells);
            fields.push(match &conversion {
                Conversion::Keep => Arc::new(field.as_ref().clone().with_name(name)),
                Conversion::CellText | Conversion::JsonText => Arc::new(Field::new(name, DataType::Utf8, true)),
                Conversion::Cast(kind) => Arc::new(Field::new(name, kind.clone(), true)),
            });
            conversions.push(conversion);
        }
        let is_unchanged = conversions.iter().all(|conversion| *conversion == Conversion::Keep)
            && fields.iter().zip(schema.fields()).all(|(own, given)| own.name() == given.name());
        let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        Ok(Self { format, schema, conversions, is_unchanged })
    }

    /// Returns the schema that is written.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns whether a column holds cells that are written as text.
    pub(crate) fn is_cell_text(&self, at: usize) -> bool {
        self.conversions.get(at) == Some(&Conversion::CellText)
    }

    /// Returns the rows of a batch as they are written.
    ///
    /// # Errors
    /// If a value does not fit into the type that its column is written in.
    pub(crate) fn convert(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if self.is_unchanged {
            return Ok(batch.clone());
        }
        let columns = batch.columns().iter().zip(&self.conversions).enumerate();
        let columns = columns.map(|(at, (column, conversion))| self.converted(at, column, conversion));
        let rows = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns.collect::<Result<_>>()?, &rows)
            .or_err(Kind::Internal, || "the columns of an answer")
    }

    fn converted(&self, at: usize, column: &ArrayRef, conversion: &Conversion) -> Result<ArrayRef> {
        match conversion {
            Conversion::Keep => Ok(Arc::clone(column)),
            Conversion::CellText => Ok(Arc::new(cells_as_text(column.as_primitive::<Int64Type>()))),
            Conversion::JsonText => json_texts(column).map_err(|error| self.refused(at, &error)),
            Conversion::Cast(kind) => {
                let exact = CastOptions { safe: false, ..CastOptions::default() };
                cast_with_options(column, kind, &exact).map_err(|error| self.refused(at, &error))
            }
        }
    }

    /// Checks that the format can hold every value of a batch.
    ///
    /// # Errors
    /// If a value is beyond what the format can represent, such as a time outside the calendar.
    pub fn check(&self, batch: &RecordBatch) -> Result<()> {
        for (at, (column, conversion)) in batch.columns().iter().zip(&self.conversions).enumerate() {
            if matches!(conversion, Conversion::Cast(_)) {
                self.converted(at, column, conversion)?;
            }
            let is_text = !matches!(self.format, Format::Arrow | Format::Parquet);
            if is_text && let Some(kind) = time_beyond_text(column)? {
                let (name, format) = (self.schema.field(at).name(), self.format);
                return Err(Error::invalid(format!(
                    "column `{name}` has a value of type {kind} that {format} cannot represent: it is beyond every calendar; leave the row out, or request the format arrow"
                )));
            }
        }
        Ok(())
    }

    fn refused(&self, at: usize, error: &ArrowError) -> Error {
        let (name, format) = (self.schema.field(at).name(), self.format);
        Error::invalid(format!("column `{name}` has a value that {format} cannot represent: {error}"))
    }
}

/// Returns whether a column contains cells: signed 64-bit integers in tables, hex text in JSON and CSV.
pub(crate) fn is_cell(field: &Field) -> bool {
    field.name() == "cell" && field.data_type() == &DataType::Int64
}

fn conversion(format: Format, field: &Field, cells: Cells) -> Conversion {
    let kind = field.data_type();
    match format {
        Format::Json | Format::Ndjson | Format::GeoJson | Format::Csv if is_cell(field) && cells == Cells::Text => {
            Conversion::CellText
        }
        Format::Csv if kind.is_nested() => Conversion::JsonText,
        // Parquet has neither times in seconds nor dates in milliseconds: readers other than Arrow's would see bare
        // numbers.
        Format::Parquet => match kind {
            DataType::Timestamp(TimeUnit::Second, zone) => {
                Conversion::Cast(DataType::Timestamp(TimeUnit::Millisecond, zone.clone()))
            }
            DataType::Time32(TimeUnit::Second) => Conversion::Cast(DataType::Time32(TimeUnit::Millisecond)),
            DataType::Date64 => Conversion::Cast(DataType::Date32),
            _ => Conversion::Keep,
        },
        _ => Conversion::Keep,
    }
}

/// Returns the schema, with a unique name for each column.
pub fn with_unique_names(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().zip(unique_names(schema.fields()));
    let fields: Vec<FieldRef> = fields.map(|(field, name)| Arc::new(field.as_ref().clone().with_name(name))).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Returns a unique name for each column: the second `category` becomes `category_2`, or the next number that no other
/// has.
fn unique_names(fields: &[FieldRef]) -> Vec<String> {
    let given: HashSet<&str> = fields.iter().map(|field| field.name().as_str()).collect();
    let (mut used, mut numbers): (HashSet<String>, HashMap<&str, usize>) = (HashSet::new(), HashMap::new());
    let mut names = Vec::with_capacity(fields.len());
    for field in fields {
        let name = field.name().as_str();
        let number = numbers.entry(name).or_insert(0);
        *number += 1;
        let mut own = name.to_owned();
        if *number > 1 {
            own = format!("{name}_{number}");
            while given.contains(own.as_str()) || used.contains(&own) {
                *number += 1;
                own = format!("{name}_{number}");
            }
        }
        used.insert(own.clone());
        names.push(own);
    }
    names
}

/// Refuses a column whose type the format cannot hold.
fn check_type(format: Format, field: &Field) -> Result<()> {
    let name = field.name();
    if format != Format::Table
        && let Some(twice) = repeated_field(field.data_type())
    {
        return Err(Error::invalid(format!(
            "column `{name}` has structs with two fields named `{twice}`; give each field a name of its own"
        )));
    }
    let kind = match conversion(format, field, Cells::Text) {
        Conversion::Cast(_) => None,
        _ => unwritable(format, field.data_type()),
    };
    let Some(kind) = kind else { return Ok(()) };
    Err(Error::invalid(format!(
        "column `{name}` has type {kind}, which {format} cannot represent; cast it, as in CAST(\"{name}\" AS VARCHAR), or request the format arrow"
    )))
}

/// Returns the type, or the part of it, that the format cannot represent; `None` if it can represent all of it.
fn unwritable(format: Format, kind: &DataType) -> Option<DataType> {
    if matches!(format, Format::Arrow | Format::Table) || is_plain(kind) {
        return None;
    }
    let cannot = match kind {
        DataType::Union(..) => true,
        DataType::Map(entries, _) if format != Format::Parquet => !has_text_keys(entries.data_type()),
        // Those of columns are cast; within other values readers would see bare numbers.
        DataType::Interval(IntervalUnit::MonthDayNano)
        | DataType::Timestamp(TimeUnit::Second, _)
        | DataType::Time32(TimeUnit::Second)
        | DataType::Date64 => format == Format::Parquet,
        _ => false,
    };
    if cannot {
        return Some(kind.clone());
    }
    let within = match kind {
        DataType::List(of)
        | DataType::LargeList(of)
        | DataType::ListView(of)
        | DataType::LargeListView(of)
        | DataType::FixedSizeList(of, _)
        | DataType::Map(of, _) => unwritable(format, of.data_type()),
        DataType::Struct(fields) => fields.iter().find_map(|field| unwritable(format, field.data_type())),
        DataType::Dictionary(_, of) => unwritable(format, of),
        DataType::RunEndEncoded(_, of) => unwritable(format, of.data_type()),
        _ => None,
    };
    // Whether a type can be written is decided by the writers, but they report it only when they are given rows.
    within.or_else(|| try_writing(format, kind).is_err().then(|| kind.clone()))
}

/// Types that every format holds.
fn is_plain(kind: &DataType) -> bool {
    kind.is_integer()
        || kind.is_floating()
        || matches!(
            kind,
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Boolean
                | DataType::Date32
                | DataType::Timestamp(TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond, _)
        )
}

/// Returns a name that two fields of a struct have: readers of JSON keep one of them, and those of Arrow reject both.
fn repeated_field(kind: &DataType) -> Option<&str> {
    match kind {
        DataType::Struct(fields) => {
            let mut names = HashSet::new();
            let twice = fields.iter().find(|field| !names.insert(field.name().as_str()));
            twice
                .map(|field| field.name().as_str())
                .or_else(|| fields.iter().find_map(|f| repeated_field(f.data_type())))
        }
        DataType::List(of)
        | DataType::LargeList(of)
        | DataType::ListView(of)
        | DataType::LargeListView(of)
        | DataType::FixedSizeList(of, _)
        | DataType::Map(of, _) => repeated_field(of.data_type()),
        DataType::Dictionary(_, of) => repeated_field(of),
        _ => None,
    }
}

fn has_text_keys(entries: &DataType) -> bool {
    let DataType::Struct(fields) = entries else { return false };
    let key = fields.first().map(|key| key.data_type());
    matches!(key, Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View))
}

/// Writes a null of the type to nowhere.
fn try_writing(format: Format, kind: &DataType) -> Result<(), ParquetError> {
    let value = new_null_array(kind, 1);
    if format == Format::Parquet {
        let batch = RecordBatch::try_from_iter_with_nullable([("value", value, true)])?;
        let mut writer = ArrowWriter::try_new(std::io::sink(), batch.schema(), None)?;
        writer.write(&batch)?;
        return writer.close().map(drop);
    }
    json_texts(&value)?;
    Ok(())
}

/// Converts nested values to JSON.
fn json_texts(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let field = Arc::new(Field::new("value", column.data_type().clone(), true));
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(&field, column.as_ref(), &options)?;
    let (mut texts, mut text) = (StringBuilder::new(), Vec::new());
    for row in 0..column.len() {
        if column.is_null(row) || encoder.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        encoder.encode(row, &mut text);
        texts.append_value(String::from_utf8_lossy(&text));
    }
    Ok(Arc::new(texts.finish()))
}

/// Returns the type of a time in the column, or within its values, that text cannot represent.
fn time_beyond_text(column: &ArrayRef) -> Result<Option<DataType>> {
    let kind = column.data_type();
    if let Some((lowest, highest)) = text_range(kind) {
        let numbers = cast(column, &DataType::Int64).or_err(Kind::Internal, || "times as numbers")?;
        let numbers: &Int64Array = numbers.as_primitive();
        let fits = |value: Option<i64>| value.is_none_or(|value| (lowest..=highest).contains(&i128::from(value)));
        return Ok((!fits(min(numbers)) || !fits(max(numbers))).then(|| kind.clone()));
    }
    if kind.is_nested() || matches!(kind, DataType::Dictionary(..) | DataType::RunEndEncoded(..)) {
        for child in column.to_data().child_data() {
            if let Some(kind) = time_beyond_text(&make_array(child.clone()))? {
                return Ok(Some(kind));
            }
        }
    }
    Ok(None)
}

/// Returns the least and the greatest number of a type of times that can be written as text; `None` for other types.
fn text_range(kind: &DataType) -> Option<(i128, i128)> {
    let around = |seconds: i128, unit: i128| Some((-seconds * unit, seconds * unit));
    match kind {
        DataType::Date32 => Some((-MAX_TEXT_SECONDS / SECONDS_PER_DAY, MAX_TEXT_SECONDS / SECONDS_PER_DAY)),
        DataType::Date64 => around(MAX_TEXT_SECONDS, 1_000),
        DataType::Timestamp(unit, _) => around(MAX_TEXT_SECONDS, per_second(*unit)),
        DataType::Duration(unit) => around(MAX_TEXT_DURATION_SECONDS, per_second(*unit)),
        DataType::Time32(unit) | DataType::Time64(unit) => Some((0, SECONDS_PER_DAY * per_second(*unit) - 1)),
        _ => None,
    }
}

fn per_second(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<String> {
        let fields: Vec<FieldRef> =
            names.iter().map(|name| Arc::new(Field::new(*name, DataType::Int64, true))).collect();
        unique_names(&fields)
    }

    #[test]
    fn a_name_that_is_there_already_gets_a_number() {
        assert_eq!(named(&["a", "b"]), ["a", "b"]);
        assert_eq!(named(&["a", "a", "a"]), ["a", "a_2", "a_3"]);
        assert_eq!(named(&["a", "a", "a_2", "a"]), ["a", "a_3", "a_2", "a_4"]);
        assert_eq!(named(&["a_2", "a", "a", "a_2"]), ["a_2", "a", "a_3", "a_2_2"]);
        assert_eq!(named(&["", "", "A", "a"]), ["", "_2", "A", "a"]);
        assert_eq!(named(&["a"; 20_000]).iter().collect::<HashSet<_>>().len(), 20_000);
    }

    #[test]
    fn a_type_that_a_format_lacks_is_refused_by_column_and_type() {
        let interval = DataType::Interval(IntervalUnit::MonthDayNano);
        let nested = DataType::List(Arc::new(Field::new("item", interval.clone(), true)));
        for kind in [interval, nested] {
            let schema = Arc::new(Schema::new(vec![Field::new("v", kind, true)]));
            let error = OutputColumns::new(Format::Parquet, &schema).expect_err("an interval in Parquet").to_string();
            assert!(error.contains("`v`") && error.contains("Interval(MonthDayNano)"), "{error}");
            for format in [Format::Json, Format::Csv, Format::Arrow, Format::Table] {
                assert!(OutputColumns::new(format, &schema).is_ok(), "{format}");
            }
        }
    }

    #[test]
    fn nested_values_are_json_within_csv() {
        let list = arrow::array::ListArray::from_iter_primitive::<Int64Type, _, _>([
            Some(vec![Some(1), None, Some(3)]),
            None,
            Some(vec![]),
        ]);
        let texts = json_texts(&(Arc::new(list) as ArrayRef)).expect("texts");
        let texts: Vec<Option<&str>> = texts.as_string::<i32>().iter().collect();
        assert_eq!(texts, [Some("[1,null,3]"), None, Some("[]")]);
    }
}
