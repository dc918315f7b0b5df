//! Answers in every format, brought to one form.

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use chrono::DateTime;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

pub(super) const FORMATS: [&str; 5] = ["json", "ndjson", "csv", "arrow", "parquet"];

/// A row: each member with its text, the count among them.
pub(super) type Line = Vec<(String, Option<String>)>;

/// Returns the rows of an answer in the order in which they came.
pub(super) fn rows(format: &str, body: &[u8]) -> Vec<Line> {
    match format {
        "json" => serde_json::from_slice::<Vec<Value>>(body).expect("an array").iter().map(of_object).collect(),
        "ndjson" => {
            let text = std::str::from_utf8(body).expect("UTF-8");
            text.lines().map(|line| of_object(&serde_json::from_str(line).expect("an object"))).collect()
        }
        "csv" => of_csv(std::str::from_utf8(body).expect("UTF-8")),
        "arrow" => {
            let reader = arrow::ipc::reader::StreamReader::try_new(body, None).expect("an Arrow stream");
            of_batches(&reader.map(|batch| batch.expect("a batch")).collect::<Vec<_>>())
        }
        _ => {
            let bytes = bytes::Bytes::copy_from_slice(body);
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("Parquet").build().expect("a reader");
            of_batches(&reader.map(|batch| batch.expect("a batch")).collect::<Vec<_>>())
        }
    }
}

fn of_object(value: &Value) -> Line {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let members = value.as_object().expect("an object").iter();
    members.map(|(name, value)| (name.clone(), cell_as_hex(name, text(value)))).collect()
}

/// Formats a cell, which is a number except in JSON, in hexadecimal.
fn cell_as_hex(name: &str, text: Option<String>) -> Option<String> {
    let text = text?;
    match text.parse::<i64>() {
        Ok(number) if name == "cell" && text.len() > 15 => Some(format!("{number:x}")),
        _ => Some(text),
    }
}

/// Parses RFC 4180: quoted values may contain commas, quotes (doubled) and line ends.
fn of_csv(text: &str) -> Vec<Line> {
    let mut records = vec![vec![String::new()]];
    let (mut quoted, mut characters) = (false, text.chars().peekable());
    while let Some(character) = characters.next() {
        let record = records.last_mut().expect("a record");
        let field = record.last_mut().expect("a field");
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(String::new()),
            '\n' if !quoted => records.push(vec![String::new()]),
            '\r' if !quoted => {}
            other => field.push(other),
        }
    }
    assert_eq!(records.pop(), Some(vec![String::new()]), "the last line ends");
    let names = records.remove(0);
    let line = |record: Vec<String>| {
        assert_eq!(record.len(), names.len(), "{record:?}");
        let texts = record.into_iter().map(|text| Some(text).filter(|text| !text.is_empty()));
        names.iter().cloned().zip(texts).map(|(name, text)| (name.clone(), cell_as_hex(&name, text))).collect()
    };
    records.into_iter().map(line).collect()
}

/// Returns the rows of record batches.
pub(super) fn of_batches(batches: &[RecordBatch]) -> Vec<Line> {
    let mut lines = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let schema = batch.schema();
            // The outline that a Parquet answer has for its cell is not a dimension.
            let columns = schema.fields().iter().zip(batch.columns()).filter(|(field, _)| field.name() != "geometry");
            lines
                .push(columns.map(|(field, column)| (field.name().clone(), text(field.name(), column, row))).collect());
        }
    }
    lines
}

fn text(name: &str, column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 if name == "cell" => format!("{:x}", column.as_primitive::<Int64Type>().value(row)),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(_, None) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            DateTime::from_timestamp_micros(micros).expect("a time").format("%Y-%m-%dT%H:%M:%S").to_string()
        }
        other => panic!("`{name}` is {other}"),
    })
}
