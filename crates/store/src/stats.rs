//! Statistics of a data file as the Delta protocol writes them ("Per-file Statistics").

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use lake_model::{format_wall_clock, parse_wall_clock};
use serde_json::{Map, Value, json};

/// Longer texts are left out: cutting a maximum short needs care, and no query prunes by them.
const LONGEST_TEXT: usize = 64;

/// A value that can bound a column.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(crate) enum Bound {
    Number(i64),
    Real(f64),
    Time(i64),
    Text(String),
}

impl Bound {
    fn json(&self) -> Value {
        match self {
            Self::Number(n) => json!(n),
            Self::Real(x) => json!(x),
            Self::Time(micros) => json!(format_wall_clock(*micros)),
            Self::Text(text) => json!(text),
        }
    }

    pub(crate) fn parse(value: &Value, kind: &DataType) -> Option<Self> {
        match kind {
            DataType::Int64 | DataType::Int32 => value.as_i64().map(Self::Number),
            DataType::Float64 => value.as_f64().map(Self::Real),
            DataType::Timestamp(..) => parse_wall_clock(value.as_str()?).map(Self::Time),
            DataType::Utf8 => Some(Self::Text(value.as_str()?.to_owned())),
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
            if !matches!(
                field.data_type(),
                DataType::Int64
                    | DataType::Int32
                    | DataType::Float64
                    | DataType::Utf8
                    | DataType::Timestamp(TimeUnit::Microsecond, None)
            ) {
                continue;
            }
            let stats = self.columns.entry(field.name().clone()).or_default();
            stats.nulls += array.null_count();
            if stats.unbounded {
                continue;
            }
            match range_of(array.as_ref()) {
                Range::None => {}
                Range::Unbounded => stats.unbounded = true,
                Range::Between(low, high) => match &mut stats.range {
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

    /// The `stats` member of an add action.
    pub(crate) fn json(&self) -> String {
        let (mut low, mut high, mut nulls) = (Map::new(), Map::new(), Map::new());
        for (name, stats) in &self.columns {
            nulls.insert(name.clone(), json!(stats.nulls));
            if let (Some((min, max)), false) = (&stats.range, stats.unbounded) {
                low.insert(name.clone(), min.json());
                high.insert(name.clone(), max.json());
            }
        }
        json!({"numRecords": self.rows, "minValues": low, "maxValues": high, "nullCount": nulls}).to_string()
    }
}

enum Range {
    None,
    Unbounded,
    Between(Bound, Bound),
}

fn range_of(array: &dyn Array) -> Range {
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
                Some(_) => return Range::Unbounded,
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
                Some((a, b)) if a.len() > LONGEST_TEXT || b.len() > LONGEST_TEXT => return Range::Unbounded,
                pair => pair.map(|(a, b)| (Bound::Text(a.to_owned()), Bound::Text(b.to_owned()))),
            }
        }
        _ => None,
    };
    pair.map_or(Range::None, |(low, high)| Range::Between(low, high))
}
