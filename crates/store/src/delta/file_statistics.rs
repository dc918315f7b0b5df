//! Statistics of a data file as the Delta protocol writes them ("Per-file Statistics").

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt32Type};
use lake_model::{format_wall_clock, parse_wall_clock};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::delta::data_file::ColumnRange;

/// Longer texts are left out: cutting a maximum short needs care, and no query prunes by them.
const MAX_TEXT_BYTES: usize = 64;

/// A value that can bound a column.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) enum Bound {
    Number(i64),
    Real(f64),
    Time(i64),
    Text(String),
}

impl Bound {
    fn to_json(&self) -> Value {
        match self {
            Self::Number(n) => json!(n),
            Self::Real(x) => json!(x),
            Self::Time(micros) => json!(format_wall_clock(*micros)),
            Self::Text(text) => json!(text),
        }
    }

    fn parse(json: &str, kind: &DataType) -> Option<Self> {
        let text = || serde_json::from_str::<String>(json).ok();
        match kind {
            DataType::Int64 | DataType::Int32 => json.parse().ok().map(Self::Number),
            DataType::Float64 => json.parse().ok().map(Self::Real),
            DataType::Timestamp(..) => parse_wall_clock(&text()?).map(Self::Time),
            DataType::Utf8 => text().map(Self::Text),
            _ => None,
        }
    }
}

/// The statistics of a file as the log has them. Values are kept as their JSON: a floating-point number that is read
/// with an error of rounding would rule out a file that holds it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LoggedStats {
    num_records: Option<u64>,
    min_values: Option<BTreeMap<String, Box<RawValue>>>,
    max_values: Option<BTreeMap<String, Box<RawValue>>>,
    null_count: Option<BTreeMap<String, Value>>,
}

impl LoggedStats {
    /// Parses the `stats` member of an add action.
    ///
    /// # Errors
    /// If it is not such an object.
    pub(crate) fn parse(json: &str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }

    /// Returns how many rows the file has.
    pub(crate) fn rows(&self) -> Option<u64> {
        self.num_records
    }

    /// Returns how many nulls a column has.
    pub(crate) fn nulls(&self, name: &str) -> Option<u64> {
        self.null_count.as_ref()?.get(name)?.as_u64()
    }

    /// Returns the least and the greatest value of a column.
    pub(crate) fn range(&self, name: &str, kind: &DataType) -> Option<ColumnRange> {
        let low = Bound::parse(self.min_values.as_ref()?.get(name)?.get(), kind)?;
        let high = Bound::parse(self.max_values.as_ref()?.get(name)?.get(), kind)?;
        match (low, high) {
            (Bound::Number(a), Bound::Number(b)) => Some(ColumnRange::Number(a, b)),
            (Bound::Real(a), Bound::Real(b)) => Some(ColumnRange::Real(a, b)),
            (Bound::Time(a), Bound::Time(b)) => Some(ColumnRange::Time(a, b)),
            (Bound::Text(a), Bound::Text(b)) => Some(ColumnRange::Text(a, b)),
            _ => None,
        }
    }
}

#[derive(Default)]
struct ColumnStats {
    range: Option<(Bound, Bound)>,
    nulls: usize,
    unbounded: bool,
}

/// Collects statistics while a file is written.
#[derive(Default)]
pub(crate) struct StatsCollector {
    rows: usize,
    columns: BTreeMap<String, ColumnStats>,
}

impl StatsCollector {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let is_label =
                array.as_dictionary_opt::<UInt32Type>().is_some_and(|a| a.values().data_type() == &DataType::Utf8);
            if !is_label
                && !matches!(
                    field.data_type(),
                    DataType::Int64
                        | DataType::Int32
                        | DataType::Float64
                        | DataType::Utf8
                        | DataType::Timestamp(TimeUnit::Microsecond, None)
                )
            {
                continue;
            }
            let stats = self.columns.entry(field.name().clone()).or_default();
            stats.nulls += array.null_count();
            if stats.unbounded {
                continue;
            }
            match array_range(array.as_ref()) {
                ArrayRange::None => {}
                ArrayRange::Unbounded => stats.unbounded = true,
                ArrayRange::Between(low, high) => match &mut stats.range {
                    None => stats.range = Some((low, high)),
                    Some((min, max)) => {
                        if low < *min {
                            *min = low;
                        }
                        if high > *max {
                            *max = high;
                        }
                    }
                },
            }
        }
    }

    /// Returns the `stats` member of an add action.
    pub(crate) fn to_json(&self) -> String {
        let (mut low, mut high, mut nulls) = (Map::new(), Map::new(), Map::new());
        for (name, stats) in &self.columns {
            nulls.insert(name.clone(), json!(stats.nulls));
            if let (Some((min, max)), false) = (&stats.range, stats.unbounded) {
                low.insert(name.clone(), min.to_json());
                high.insert(name.clone(), max.to_json());
            }
        }
        json!({"numRecords": self.rows, "minValues": low, "maxValues": high, "nullCount": nulls}).to_string()
    }
}

enum ArrayRange {
    None,
    Unbounded,
    Between(Bound, Bound),
}

fn array_range(array: &dyn Array) -> ArrayRange {
    let pair = match array.data_type() {
        DataType::Int64 => {
            let a = array.as_primitive::<Int64Type>();
            min(a).zip(max(a)).map(|(a, b)| (Bound::Number(a), Bound::Number(b)))
        }
        DataType::Int32 => {
            let a = array.as_primitive::<Int32Type>();
            min(a).zip(max(a)).map(|(a, b)| (Bound::Number(a.into()), Bound::Number(b.into())))
        }
        DataType::Float64 => {
            let a = array.as_primitive::<Float64Type>();
            match min(a).zip(max(a)) {
                Some((a, b)) if a.is_finite() && b.is_finite() => Some((Bound::Real(a), Bound::Real(b))),
                Some(_) => return ArrayRange::Unbounded,
                None => None,
            }
        }
        DataType::Timestamp(..) => {
            let a = array.as_primitive::<TimestampMicrosecondType>();
            min(a).zip(max(a)).map(|(a, b)| (Bound::Time(a), Bound::Time(b)))
        }
        DataType::Utf8 => {
            let a = array.as_string::<i32>();
            match min_string(a).zip(max_string(a)) {
                Some((a, b)) if a.len() > MAX_TEXT_BYTES || b.len() > MAX_TEXT_BYTES => return ArrayRange::Unbounded,
                pair => pair.map(|(a, b)| (Bound::Text(a.to_owned()), Bound::Text(b.to_owned()))),
            }
        }
        DataType::Dictionary(..) => match used_texts(array) {
            Some((a, b)) if a.len() > MAX_TEXT_BYTES || b.len() > MAX_TEXT_BYTES => return ArrayRange::Unbounded,
            pair => pair.map(|(a, b)| (Bound::Text(a.to_owned()), Bound::Text(b.to_owned()))),
        },
        _ => None,
    };
    pair.map_or(ArrayRange::None, |(low, high)| ArrayRange::Between(low, high))
}

/// Returns the least and the greatest text of a dictionary that its rows name.
fn used_texts(array: &dyn Array) -> Option<(&str, &str)> {
    let array = array.as_dictionary_opt::<UInt32Type>()?;
    let texts = array.values().as_string_opt::<i32>()?;
    let mut used = vec![false; texts.len()];
    for key in array.keys().iter().flatten() {
        *used.get_mut(usize::try_from(key).ok()?)? = true;
    }
    let used = texts.iter().zip(used).filter_map(|(text, used)| text.filter(|_| used));
    used.fold(None, |range, text| match range {
        None => Some((text, text)),
        Some((low, high)) => Some((text.min(low), text.max(high))),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, DictionaryArray, StringArray, UInt32Array};

    use super::*;

    #[test]
    fn labels_as_a_dictionary_have_the_statistics_of_their_texts() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["unused", "b", "c", "a", "z"]));
        let keys = UInt32Array::from(vec![Some(1), None, Some(3), Some(2), Some(1)]);
        let labels: ArrayRef = Arc::new(DictionaryArray::<UInt32Type>::new(keys, texts));
        let plain: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("c"), Some("b")]));
        let stats = [labels, plain].map(|column| {
            let mut stats = StatsCollector::default();
            stats.add(&RecordBatch::try_from_iter([("category", column)]).expect("a batch"));
            stats.to_json()
        });
        assert_eq!(stats[0], stats[1]);
        assert!(stats[0].contains(r#""minValues":{"category":"a"}"#), "{}", stats[0]);
        assert!(stats[0].contains(r#""maxValues":{"category":"c"}"#), "{}", stats[0]);
    }

    #[test]
    fn a_number_in_statistics_is_read_to_the_last_bit() {
        for value in [37.730000000000004, -122.42000000000002, 0.1 + 0.2, 1e-300, f64::MAX, 5e-324] {
            let json = json!({"numRecords": 1, "minValues": {"x": value}, "maxValues": {"x": value}}).to_string();
            let stats = LoggedStats::parse(&json).expect("statistics");
            assert_eq!(stats.range("x", &DataType::Float64), Some(ColumnRange::Real(value, value)), "{json}");
        }
    }
}
