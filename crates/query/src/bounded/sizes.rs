//! How many bytes a function makes of its arguments, at most.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::compute::kernels::length::length;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

/// Bytes that come of these arguments over so many rows.
pub(super) type Estimate = fn(&[ColumnarValue], usize) -> Result<u64>;

/// The bytes of a character, at most.
const CHARACTER: u64 = 4;
/// The letters of a number or a time, at most.
const LETTERS: u64 = 40;

/// How much the function of this name makes; `None` for those whose results are about as large as their arguments are, or
/// of a fixed size.
pub(super) fn estimate(name: &str) -> Option<Estimate> {
    let estimate: Estimate = match name {
        "repeat" => repeated,
        "lpad" | "rpad" => padded,
        "replace" | "array_replace" => replaced,
        "regexp_replace" => replaced_by_pattern,
        "regexp_match" => matched,
        "concat_ws" => joined,
        "array_to_string" => written,
        "string_to_array" => |arguments, rows| Ok(all(arguments, rows).saturating_mul(8)),
        "encode" | "translate" => |arguments, rows| Ok(all(arguments, rows).saturating_mul(CHARACTER)),
        "to_char" => |arguments, rows| Ok(all(arguments, rows).saturating_mul(LETTERS)),
        // The steps of its work, which nothing can stop.
        "levenshtein" => compared,
        "concat" | "overlay" | "make_array" | "array_append" | "array_prepend" | "array_concat" | "array_union"
        | "arrays_zip" | "map" | "struct" | "named_struct" => |arguments, rows| Ok(all(arguments, rows)),
        _ => return None,
    };
    Some(estimate)
}

/// Bytes of all arguments, each as long as there are rows.
pub(super) fn all(arguments: &[ColumnarValue], rows: usize) -> u64 {
    arguments.iter().map(|argument| bytes(argument, rows)).fold(0, u64::saturating_add)
}

fn bytes(argument: &ColumnarValue, rows: usize) -> u64 {
    match argument {
        ColumnarValue::Array(array) => {
            let data = array.to_data();
            size(data.get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()))
        }
        ColumnarValue::Scalar(value) => size(bytes_of(value)).saturating_mul(size(rows.max(1))),
    }
}

/// What a value takes beside its own place.
fn bytes_of(value: &ScalarValue) -> usize {
    value.size().saturating_sub(size_of::<ScalarValue>())
}

fn repeated(arguments: &[ColumnarValue], rows: usize) -> Result<u64> {
    let [text, times, ..] = arguments else { return Ok(0) };
    let (text, times) = (Numbers::lengths(text)?, Numbers::of(times)?);
    Ok(sum(rows, |row| text.at(row).saturating_mul(times.at(row))))
}

fn padded(arguments: &[ColumnarValue], rows: usize) -> Result<u64> {
    let [_, width, ..] = arguments else { return Ok(0) };
    let width = Numbers::of(width)?;
    Ok(sum(rows, |row| width.at(row).saturating_mul(CHARACTER)))
}

/// What is looked for may be empty: then it is found before and after every letter.
fn replaced(arguments: &[ColumnarValue], rows: usize) -> Result<u64> {
    let [text, from, to, ..] = arguments else { return Ok(0) };
    if is_list(text) {
        return Ok(all(arguments, rows));
    }
    let (text, from, to) = (Numbers::lengths(text)?, Numbers::lengths(from)?, Numbers::lengths(to)?);
    Ok(sum(rows, |row| {
        let found = text.at(row) / from.at(row).max(1) + 1;
        text.at(row).saturating_add(found.saturating_mul(to.at(row)))
    }))
}

/// Each match is replaced; what stands for a group is as long as what the group found, all together the text at most.
fn replaced_by_pattern(arguments: &[ColumnarValue], rows: usize) -> Result<u64> {
    let [text, _, by, ..] = arguments else { return Ok(0) };
    let everywhere = match arguments.get(3) {
        None => false,
        Some(ColumnarValue::Scalar(flags)) => flags.try_as_str().flatten().is_some_and(|flags| flags.contains('g')),
        Some(ColumnarValue::Array(_)) => true,
    };
    let groups = most_of(by, |letter| matches!(letter, '\\' | '$'));
    let (text, by) = (Numbers::lengths(text)?, Numbers::lengths(by)?);
    Ok(sum(rows, |row| {
        let found = if everywhere { text.at(row).saturating_add(1) } else { 1 };
        let groups = text.at(row).saturating_mul(groups);
        text.at(row).saturating_add(found.saturating_mul(by.at(row))).saturating_add(groups)
    }))
}

/// Every group may hold the whole text.
fn matched(arguments: &[ColumnarValue], rows: usize) -> Result<u64> {
    let [text, pattern, ..] = arguments else { return Ok(0) };
    let groups = most_of(pattern, |letter| letter == '(').saturating_add(1);
    let text = Numbers::lengths(text)?;
    Ok(sum(rows, |row| text.at(row).saturating_mul(groups)))
}

/// What stands between is there once less than there are arguments.
fn joined(arguments: &[ColumnarValue], rows: usize) -> Result<u64> {
    let [between, parts @ ..] = arguments else { return Ok(0) };
    let between = bytes(between, rows).saturating_mul(size(parts.len()));
    Ok(all(parts, rows).saturating_add(between))
}

/// Elements as text, with a text between them or in the place of those that are null.
fn written(arguments: &[ColumnarValue], rows: usize) -> Result<u64> {
    let [list, texts @ ..] = arguments else { return Ok(0) };
    let longest = texts.iter().map(|text| Ok(Numbers::lengths(text)?.most()));
    let longest = longest.collect::<Result<Vec<u64>>>()?.into_iter().fold(LETTERS, u64::saturating_add);
    let elements = match list {
        ColumnarValue::Array(list) => elements(list),
        ColumnarValue::Scalar(list) => elements(&list.to_array()?).saturating_mul(size(rows.max(1))),
    };
    Ok(bytes(list, rows).saturating_add(elements.saturating_mul(longest)))
}

fn compared(arguments: &[ColumnarValue], rows: usize) -> Result<u64> {
    let [left, right, ..] = arguments else { return Ok(0) };
    let (left, right) = (Numbers::lengths(left)?, Numbers::lengths(right)?);
    Ok(sum(rows, |row| left.at(row).saturating_mul(right.at(row))))
}

/// The elements of lists, and of lists in them.
fn elements(list: &ArrayRef) -> u64 {
    let within = match list.data_type() {
        DataType::List(_) => list.as_list::<i32>().values(),
        DataType::LargeList(_) => list.as_list::<i64>().values(),
        DataType::FixedSizeList(..) => list.as_fixed_size_list().values(),
        _ => return 0,
    };
    size(within.len()).saturating_add(elements(within))
}

fn is_list(argument: &ColumnarValue) -> bool {
    matches!(argument.data_type(), DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

/// How many of these letters a text of the argument has, at most.
fn most_of(argument: &ColumnarValue, letter: fn(char) -> bool) -> u64 {
    match argument {
        ColumnarValue::Scalar(text) => text.try_as_str().flatten().map_or(0, |text| size(text.matches(letter).count())),
        ColumnarValue::Array(_) => Numbers::lengths(argument).map_or(u64::MAX, |lengths| lengths.most()),
    }
}

fn sum(rows: usize, of: impl Fn(usize) -> u64) -> u64 {
    (0..rows.max(1)).map(of).fold(0, u64::saturating_add)
}

fn size(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// A whole number for each row.
struct Numbers(Int64Array);

impl Numbers {
    /// The numbers of an argument.
    fn of(argument: &ColumnarValue) -> Result<Self> {
        Ok(Self(cast(&once(argument)?, &DataType::Int64)?.as_primitive::<Int64Type>().clone()))
    }

    /// How many bytes each text of an argument has.
    fn lengths(argument: &ColumnarValue) -> Result<Self> {
        let texts = once(argument)?;
        let texts = if matches!(texts.data_type(), DataType::Null) { cast(&texts, &DataType::Utf8)? } else { texts };
        Ok(Self(cast(&length(&texts)?, &DataType::Int64)?.as_primitive::<Int64Type>().clone()))
    }

    /// The number of a row; 0 where there is none.
    fn at(&self, row: usize) -> u64 {
        let row = if self.0.len() == 1 { 0 } else { row };
        let known = row < self.0.len() && self.0.is_valid(row);
        if known { u64::try_from(self.0.value(row)).unwrap_or(0) } else { 0 }
    }

    fn most(&self) -> u64 {
        (0..self.0.len()).map(|row| self.at(row)).max().unwrap_or(0)
    }
}

/// The values of an argument, one where they are all the same.
fn once(argument: &ColumnarValue) -> Result<ArrayRef> {
    match argument {
        ColumnarValue::Array(array) => Ok(ArrayRef::clone(array)),
        ColumnarValue::Scalar(value) => value.to_array(),
    }
}
