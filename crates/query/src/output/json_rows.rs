//! Rows as JSON objects, written straight into a buffer.
//!
//! The columns of counts have writers of their own; what else a query returns is written by Arrow's. Both write the same
//! text for the same value.

use std::io::Write;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, FieldRef, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use lake_model::{Kind, Result, ResultExt};

use crate::output::output_columns::OutputColumns;
use crate::output::value_text::{write_cell, write_integer, write_time};
use crate::output::write_error::write_error;

/// The bytes of a row for which room is made; rows may be longer.
const EXPECTED_ROW_BYTES: usize = 128;

/// What is written between and around rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framing {
    /// One array of all rows.
    Array,
    /// A row a line.
    Lines,
}

/// Writes rows as JSON objects.
pub(crate) struct JsonWriter<W: Write> {
    output: W,
    framing: Framing,
    has_rows: bool,
}

impl<W: Write> JsonWriter<W> {
    pub(crate) fn new(output: W, framing: Framing) -> Self {
        Self { output, framing, has_rows: false }
    }

    /// Writes the rows of a batch.
    ///
    /// # Errors
    /// If a column has no form in JSON, or the output refuses it.
    pub(crate) fn write(&mut self, batch: &RecordBatch, columns: &OutputColumns) -> Result<()> {
        let options = json_options();
        let mut objects = JsonObjects::new(batch, columns, &options)?;
        let mut text = Vec::with_capacity(batch.num_rows() * EXPECTED_ROW_BYTES);
        for row in 0..batch.num_rows() {
            match self.framing {
                Framing::Array => {
                    text.push(if self.has_rows { b',' } else { b'[' });
                    self.has_rows = true;
                    objects.write_row(row, &mut text);
                }
                Framing::Lines => {
                    objects.write_row(row, &mut text);
                    text.push(b'\n');
                }
            }
        }
        self.output.write_all(&text).or_err(Kind::Unavailable, || "writing the answer")
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// If the output refuses it.
    pub(crate) fn finish(mut self) -> Result<()> {
        let end: &[u8] = match (self.framing, self.has_rows) {
            (Framing::Array, true) => b"]\n",
            (Framing::Array, false) => b"[]\n",
            (Framing::Lines, _) => b"",
        };
        let written = self.output.write_all(end).and_then(|()| self.output.flush());
        written.or_err(Kind::Unavailable, || "writing the answer")
    }
}

/// Returns how values are written that have no writer here.
pub(crate) fn json_options() -> EncoderOptions {
    EncoderOptions::default().with_explicit_nulls(true)
}

/// The rows of one batch as JSON objects.
pub(crate) struct JsonObjects<'a> {
    columns: Vec<Column<'a>>,
}

/// A column of a batch.
struct Column<'a> {
    /// What precedes its value: a brace or a comma, and its name.
    prefix: Vec<u8>,
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

/// The values of a column, by how they are written.
enum Values<'a> {
    Integers(&'a Int64Array),
    Cells(&'a Int64Array, LastValue<i64>),
    Times(&'a [i64], LastValue<i64>),
    Texts(&'a StringArray, LastValue<&'a str>),
    Labels(Labels<'a>),
    Others(NullableEncoder<'a>),
}

impl<'a> JsonObjects<'a> {
    /// Prepares the rows of a batch, with the columns that they have in JSON.
    ///
    /// # Errors
    /// If a column has no form in JSON.
    pub(crate) fn new(batch: &'a RecordBatch, columns: &'a OutputColumns, options: &'a EncoderOptions) -> Result<Self> {
        let fields = columns.schema().fields().iter().enumerate();
        let columns = fields.zip(batch.columns()).map(|((at, field), array)| {
            let mut prefix = vec![if at == 0 { b'{' } else { b',' }];
            write_text(field.name(), &mut prefix);
            prefix.push(b':');
            let values = Values::new(field, array, columns.is_cell_text(at), options)?;
            Ok(Column { prefix, nulls: array.nulls(), values })
        });
        Ok(Self { columns: columns.collect::<Result<_>>()? })
    }

    /// Appends a row to a text, which is the same for all rows and only grows.
    pub(crate) fn write_row(&mut self, row: usize, text: &mut Vec<u8>) {
        if self.columns.is_empty() {
            text.push(b'{');
        }
        for column in &mut self.columns {
            text.extend_from_slice(&column.prefix);
            if column.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                text.extend_from_slice(b"null");
            } else {
                column.values.write(row, text);
            }
        }
        text.push(b'}');
    }
}

impl<'a> Values<'a> {
    fn new(field: &'a FieldRef, array: &'a ArrayRef, is_cell_text: bool, options: &'a EncoderOptions) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Int64 if is_cell_text => Self::Cells(array.as_primitive::<Int64Type>(), LastValue::default()),
            DataType::Int64 => Self::Integers(array.as_primitive::<Int64Type>()),
            DataType::Timestamp(TimeUnit::Microsecond, None) => {
                Self::Times(array.as_primitive::<TimestampMicrosecondType>().values(), LastValue::default())
            }
            DataType::Utf8 => Self::Texts(array.as_string::<i32>(), LastValue::default()),
            DataType::Dictionary(key, value) if (&**key, &**value) == (&DataType::Int32, &DataType::Utf8) => {
                Self::Labels(Labels::new(array.as_dictionary::<Int32Type>()))
            }
            _ => Self::Others(make_encoder(field, array.as_ref(), options).map_err(write_error)?),
        })
    }

    /// Appends the value of a row, which is not null.
    fn write(&mut self, row: usize, text: &mut Vec<u8>) {
        match self {
            Self::Integers(values) => write_integer(values.value(row), text),
            Self::Cells(values, last) => last.write(values.value(row), text, |cell, text| {
                write_quoted(text, |text| write_cell(cell, text));
            }),
            Self::Times(values, last) => last.write(values[row], text, |micros, text| {
                write_quoted(text, |text| write_time(micros, text));
            }),
            Self::Texts(values, last) => last.write(values.value(row), text, write_text),
            Self::Labels(labels) => labels.write(row, text),
            // Of some types it is the encoder that knows what is null.
            Self::Others(encoder) if encoder.is_null(row) => text.extend_from_slice(b"null"),
            Self::Others(encoder) => encoder.encode(row, text),
        }
    }
}

/// The value of a column that was written last, and where: rows are sorted, so that equal values follow each other.
struct LastValue<T> {
    value: Option<T>,
    place: Range<usize>,
}

impl<T> Default for LastValue<T> {
    fn default() -> Self {
        Self { value: None, place: 0..0 }
    }
}

impl<T: Copy + PartialEq> LastValue<T> {
    fn write(&mut self, value: T, text: &mut Vec<u8>, write: impl FnOnce(T, &mut Vec<u8>)) {
        if self.value == Some(value) {
            text.extend_from_within(self.place.clone());
            return;
        }
        let start = text.len();
        write(value, text);
        *self = Self { value: Some(value), place: start..text.len() };
    }
}

/// A column of labels, each of which is a number in a dictionary.
struct Labels<'a> {
    numbers: &'a [i32],
    dictionary: &'a StringArray,
    /// Where the text of a label was written first; empty before that.
    places: Vec<Range<usize>>,
}

impl<'a> Labels<'a> {
    fn new(array: &'a DictionaryArray<Int32Type>) -> Self {
        let dictionary = array.values().as_string::<i32>();
        Self { numbers: array.keys().values(), dictionary, places: vec![0..0; dictionary.len()] }
    }

    fn write(&mut self, row: usize, text: &mut Vec<u8>) {
        let number = usize::try_from(self.numbers[row]).unwrap_or(usize::MAX);
        let Some(place) = self.places.get_mut(number) else {
            text.extend_from_slice(b"null");
            return;
        };
        if place.start == place.end {
            let start = text.len();
            match self.dictionary.is_null(number) {
                true => text.extend_from_slice(b"null"),
                false => write_text(self.dictionary.value(number), text),
            }
            *place = start..text.len();
        } else {
            text.extend_from_within(place.clone());
        }
    }
}

fn write_quoted(text: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    text.push(b'"');
    write(text);
    text.push(b'"');
}

/// Appends a text in quotes.
fn write_text(value: &str, text: &mut Vec<u8>) {
    let is_plain = value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        write_quoted(text, |text| text.extend_from_slice(value.as_bytes()));
    } else {
        // Texts are always JSON, and a vector takes everything.
        let _ = serde_json::to_writer(text, value);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BooleanArray, Date32Array, Float64Array, Int32Array, LargeStringArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::SchemaRef;
    use arrow::json::writer::{JsonArray, LineDelimited, WriterBuilder};
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::functions::h3::cell_text;
    use crate::output::format::{Cells, Format, WriterOptions};
    use crate::output::result_writer::ResultWriter;

    /// Numbers without an order, the same in every run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % end
        }

        fn number(&mut self, end: i64) -> i64 {
            i64::try_from(self.below(end.unsigned_abs())).expect("in range")
        }

        fn maybe<T>(&mut self, value: T) -> Option<T> {
            (self.below(5) > 0).then_some(value)
        }
    }

    const TEXTS: [&str; 9] = [
        "",
        "Noise",
        "Graffiti \"tag\"",
        "back\\slash",
        "line\nbreak\t\u{1}\u{7f}",
        "Straße",
        "火",
        "\u{2028}",
        "Noise",
    ];

    /// Returns a batch with every kind of column, and the values that it holds, one object a row.
    fn random_batch(random: &mut Random) -> (RecordBatch, Vec<Value>) {
        let rows = random.below(40);
        let mut text = |_| {
            let place = usize::try_from(random.below(9)).expect("small");
            random.maybe(TEXTS[place])
        };
        let texts: Vec<Option<&str>> = (0..rows).map(&mut text).collect();
        let labels: Vec<Option<&str>> = (0..rows).map(&mut text).collect();
        let mut numbers = |end: i64| -> Vec<Option<i64>> {
            (0..rows)
                .map(|_| {
                    let value = random.number(end);
                    random.maybe(value)
                })
                .collect()
        };
        let (counts, cells) = (numbers(1_000_000), numbers(3));
        let cells: Vec<Option<i64>> = cells.iter().map(|cell| cell.map(|n| 0x08a2_8308_2a67_7fff + n)).collect();
        let hours: Vec<Option<i64>> = numbers(900_000).iter().map(|hour| hour.map(|n| n * 3_600_000_000)).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("text", Arc::new(StringArray::from(texts.clone()))),
            ("label", Arc::new(labels.iter().copied().collect::<DictionaryArray<Int32Type>>())),
            ("cell", Arc::new(Int64Array::from(cells.clone()))),
            ("hour", Arc::new(TimestampMicrosecondArray::from(hours.clone()))),
            ("count", Arc::new(Int64Array::from(counts.clone()))),
            ("a \"name\"", Arc::new(counts.iter().map(|n| n.map(|n| n % 2 == 0)).collect::<BooleanArray>())),
        ];
        let time = |micros: i64| {
            let time = chrono::DateTime::from_timestamp_micros(micros).expect("a time");
            time.format("%Y-%m-%dT%H:%M:%S").to_string()
        };
        let objects = (0..usize::try_from(rows).expect("small")).map(|row| {
            let mut object = Map::new();
            object.insert("text".to_owned(), json!(texts[row]));
            object.insert("label".to_owned(), json!(labels[row]));
            object.insert("cell".to_owned(), json!(cells[row].map(cell_text)));
            object.insert("hour".to_owned(), json!(hours[row].map(time)));
            object.insert("count".to_owned(), json!(counts[row]));
            object.insert("a \"name\"".to_owned(), json!(counts[row].map(|n| n % 2 == 0)));
            Value::Object(object)
        });
        let objects = objects.collect();
        (
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).expect("a batch"),
            objects,
        )
    }

    fn written(format: Format, schema: &SchemaRef, batches: &[RecordBatch], options: WriterOptions) -> String {
        let mut bytes = Vec::new();
        let mut writer = ResultWriter::with_options(format, schema, &mut bytes, options).expect("a writer");
        batches.iter().for_each(|batch| writer.write(batch).expect("rows"));
        writer.finish().expect("an end");
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn rows_are_what_serde_json_writes_of_them() {
        let mut random = Random(311);
        for _ in 0..200 {
            let made: Vec<_> = (0..3).map(|_| random_batch(&mut random)).collect();
            let schema = made[0].0.schema();
            let objects: Vec<&Value> = made.iter().flat_map(|(_, objects)| objects).collect();
            let batches: Vec<RecordBatch> = made.iter().map(|(batch, _)| batch.clone()).collect();
            let json = written(Format::Json, &schema, &batches, WriterOptions::default());
            assert_eq!(json, format!("{}\n", serde_json::to_string(&objects).expect("JSON")));
            let lines = written(Format::Ndjson, &schema, &batches, WriterOptions::default());
            assert_eq!(lines, objects.iter().map(|object| format!("{object}\n")).collect::<String>());
            // Parts of batches have the rows of those parts.
            let parts = batches.iter().flat_map(|batch| {
                let middle = batch.num_rows() / 2;
                [batch.slice(0, middle), batch.slice(middle, batch.num_rows() - middle)]
            });
            assert_eq!(written(Format::Json, &schema, &parts.collect::<Vec<_>>(), WriterOptions::default()), json);
        }
    }

    #[test]
    fn every_type_is_written_as_arrow_writes_it() {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("real", Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None, Some(1e300), Some(-0.1)]))),
            ("small", Arc::new(Int32Array::from(vec![Some(-7), None, Some(0), Some(i32::MAX), Some(5)]))),
            ("large", Arc::new(LargeStringArray::from(vec![Some("a"), None, Some("\""), Some(""), Some("é")]))),
            ("date", Arc::new(Date32Array::from(vec![Some(0), None, Some(-1), Some(20_000), Some(3)]))),
            ("cell", Arc::new(Int64Array::from(vec![Some(5), None, Some(-1), Some(i64::MIN), Some(i64::MAX)]))),
            (
                "time",
                Arc::new(TimestampMicrosecondArray::from(vec![
                    Some(-62_167_219_200_000_001),
                    None,
                    Some(1_500),
                    Some(253_402_300_800_000_000),
                    Some(-1),
                ])),
            ),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)));
        let batch = batch.expect("a batch");
        let arrow = || WriterBuilder::new().with_explicit_nulls(true);
        let mut array = arrow().build::<_, JsonArray>(Vec::new());
        array.write(&batch).expect("rows");
        array.finish().expect("an end");
        let mut lines = arrow().build::<_, LineDelimited>(Vec::new());
        lines.write(&batch).expect("rows");
        let numbers = WriterOptions { cells: Cells::Number, ..WriterOptions::default() };
        let own = |format| written(format, &batch.schema(), std::slice::from_ref(&batch), numbers);
        assert_eq!(own(Format::Json), format!("{}\n", String::from_utf8(array.into_inner()).expect("text")));
        assert_eq!(own(Format::Ndjson), String::from_utf8(lines.into_inner()).expect("text"));
    }

    #[test]
    fn an_answer_without_rows_or_columns_is_json() {
        let (batch, _) = random_batch(&mut Random(1));
        let none = [batch.slice(0, 0)];
        for batches in [&none[..], &[]] {
            assert_eq!(written(Format::Json, &batch.schema(), batches, WriterOptions::default()), "[]\n");
            assert_eq!(written(Format::Ndjson, &batch.schema(), batches, WriterOptions::default()), "");
        }
        let rows = arrow::array::RecordBatchOptions::new().with_row_count(Some(2));
        let schema = SchemaRef::new(arrow::datatypes::Schema::empty());
        let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), vec![], &rows).expect("a batch");
        assert_eq!(written(Format::Json, &schema, &[batch], WriterOptions::default()), "[{},{}]\n");
    }
}
