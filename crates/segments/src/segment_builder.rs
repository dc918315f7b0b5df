//! A segment from batches of counts, as they are read from a file.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use lake_model::{FINEST_RESOLUTION, MICROS_PER_HOUR};
use rustc_hash::FxHashMap;

use crate::calendar::{Hour, Interval, UNDATED, hour_of_micros};
use crate::code::{Code, NULL_CODE};
use crate::code_column::CodeColumn;
use crate::dictionary::SharedDictionaries;
use crate::dimension::Dimension;
use crate::segment::{Points, Segment};

/// The greatest sum of the absolute counts of a segment: that of a million segments fits an integer of 64 bits.
const MAX_TOTAL: i64 = 1 << 42;

/// Why batches are no segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentError {
    /// A column is missing or of another type.
    Column(&'static str),
    /// A value is none that counts have.
    Value(&'static str),
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Column(name) => write!(f, "the column {name} is missing or of another type"),
            Self::Value(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for SegmentError {}

/// Collects batches with the columns `occurred_at`, `cell`, the labels and `count`; or of incidents, with `latitude` and
/// `longitude`, each of which counts 1 unless there is a `count`.
#[derive(Debug)]
pub struct SegmentBuilder {
    dictionaries: Arc<SharedDictionaries>,
    codes_of_cells: FxHashMap<i64, Code>,
    hours: Vec<Hour>,
    /// By dimension.
    codes: [Vec<Code>; Dimension::ALL.len()],
    counts: Vec<i64>,
    total: i64,
    points: Option<Points>,
}

impl SegmentBuilder {
    /// Returns a builder that adds new values to `dictionaries`.
    pub fn new(dictionaries: Arc<SharedDictionaries>) -> Self {
        Self {
            dictionaries,
            codes_of_cells: FxHashMap::default(),
            hours: Vec::new(),
            codes: Default::default(),
            counts: Vec::new(),
            total: 0,
            points: None,
        }
    }

    /// Returns a builder of a segment with exact times and places.
    pub fn with_points(dictionaries: Arc<SharedDictionaries>) -> Self {
        Self { points: Some(Points::default()), ..Self::new(dictionaries) }
    }

    /// Adds the rows of a batch. Labels are `Utf8` or dictionaries of it.
    ///
    /// # Errors
    /// If a column is missing or of another type, a time is not a whole hour, or a count is null or too great.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), SegmentError> {
        let column = |name: &'static str| batch.column_by_name(name).ok_or(SegmentError::Column(name));
        let times = column("occurred_at")?;
        let times = times.as_primitive_opt::<TimestampMicrosecondType>().ok_or(SegmentError::Column("occurred_at"))?;
        for time in times {
            let hour = match (time, &mut self.points) {
                (None, points) => {
                    points.iter_mut().for_each(|points| points.micros.push(0));
                    Some(UNDATED)
                }
                (Some(time), None) => hour_of_micros(time),
                (Some(time), Some(points)) => {
                    points.micros.push(u32::try_from(time.rem_euclid(MICROS_PER_HOUR)).unwrap_or(0));
                    hour_of_micros(time - time.rem_euclid(MICROS_PER_HOUR))
                }
            };
            self.hours.push(hour.ok_or(SegmentError::Value("a time is not a whole hour"))?);
        }
        if let Some(points) = &mut self.points {
            let cells = column("cell")?;
            for (name, degrees) in [("latitude", &mut points.latitudes), ("longitude", &mut points.longitudes)] {
                let column = column(name)?.as_primitive_opt::<Float64Type>().ok_or(SegmentError::Column(name))?;
                if (0..column.len()).any(|row| column.is_null(row) != cells.is_null(row)) {
                    return Err(SegmentError::Value("a point without a cell, or a cell without a point"));
                }
                degrees.extend(column.iter().map(|degrees| degrees.unwrap_or(f64::NAN)));
            }
        }
        self.add_cells(column("cell")?)?;
        let labels = [("category", 1), ("subcategory", 2), ("district", 3), ("neighborhood", 4)];
        for (label, (name, dimension)) in labels.into_iter().enumerate() {
            let codes = self.encode_label(label, column(name)?).ok_or(SegmentError::Column(name))?;
            self.codes[dimension].extend(codes);
        }
        if self.points.is_some() && batch.column_by_name("count").is_none() {
            self.counts.resize(self.hours.len(), 1);
            return Ok(());
        }
        let counts = column("count")?.as_primitive_opt::<Int64Type>().ok_or(SegmentError::Column("count"))?;
        for count in counts {
            let count = count.ok_or(SegmentError::Value("a count is null"))?;
            let total = count.checked_abs().and_then(|count| self.total.checked_add(count));
            self.total =
                total.filter(|total| *total <= MAX_TOTAL).ok_or(SegmentError::Value("the counts are too great"))?;
            self.counts.push(count);
        }
        Ok(())
    }

    /// Returns the segment.
    ///
    /// # Errors
    /// If there are more rows than 32 bits number.
    pub fn finish(self) -> Result<Segment, SegmentError> {
        let Self { mut hours, mut codes, mut counts, mut points, .. } = self;
        let rows = u32::try_from(hours.len()).map_err(|_| SegmentError::Value("there are too many rows"))?;
        let time = |row: &u32| (hours[*row as usize], points.as_ref().map_or(0, |points| points.micros[*row as usize]));
        if !(0..rows).is_sorted_by_key(|row| time(&row)) {
            fn reorder<T: Copy>(values: &[T], order: &[u32]) -> Vec<T> {
                order.iter().map(|row| values[*row as usize]).collect()
            }
            let mut order: Vec<u32> = (0..rows).collect();
            order.sort_by_key(time);
            counts = reorder(&counts, &order);
            codes = codes.map(|codes| reorder(&codes, &order));
            points = points.map(|points| Points {
                micros: reorder(&points.micros, &order),
                latitudes: reorder(&points.latitudes, &order),
                longitudes: reorder(&points.longitudes, &order),
            });
            hours = reorder(&hours, &order);
        }
        let (mut starts, mut first_rows) = (Vec::new(), Vec::new());
        for (hour, row) in hours.iter().zip(0..) {
            if starts.last() != Some(hour) {
                starts.push(*hour);
                first_rows.push(row);
            }
        }
        first_rows.push(rows);
        if let Some(points) = &mut points {
            points.micros.shrink_to_fit();
            points.latitudes.shrink_to_fit();
            points.longitudes.shrink_to_fit();
        }
        starts.shrink_to_fit();
        first_rows.shrink_to_fit();
        let columns = codes.map(|codes| Some(CodeColumn::new(codes)));
        Ok(Segment { points, ..Segment::new(Interval::Hour, starts, first_rows, columns, counts) })
    }

    fn add_cells(&mut self, column: &ArrayRef) -> Result<(), SegmentError> {
        let cells = column.as_primitive_opt::<Int64Type>().ok_or(SegmentError::Column("cell"))?;
        let mut unknown: Vec<i64> =
            cells.iter().flatten().filter(|cell| !self.codes_of_cells.contains_key(cell)).collect();
        unknown.sort_unstable();
        unknown.dedup();
        if !unknown.iter().all(|cell| is_finest_cell(*cell)) {
            return Err(SegmentError::Value("a cell is not one of the finest resolution"));
        }
        let codes = self.dictionaries.encode_cells(&unknown);
        self.codes_of_cells.extend(unknown.into_iter().zip(codes));
        let code = |cell: Option<i64>| match cell {
            None => Some(NULL_CODE),
            Some(cell) => self.codes_of_cells.get(&cell).copied(),
        };
        let codes: Option<Vec<Code>> = cells.iter().map(code).collect();
        self.codes[Dimension::Cell.index()].extend(codes.ok_or(SegmentError::Column("cell"))?);
        Ok(())
    }

    fn encode_label(&self, label: usize, column: &ArrayRef) -> Option<Vec<Code>> {
        if let DataType::Dictionary(_, _) = column.data_type() {
            let column = column.as_dictionary_opt::<Int32Type>()?;
            let texts: Vec<Option<&str>> = column.values().as_string_opt::<i32>()?.iter().collect();
            let codes = self.dictionaries.encode_texts(label, &texts);
            let code =
                |key: Option<i32>| key.map_or(Some(NULL_CODE), |key| codes.get(usize::try_from(key).ok()?).copied());
            return column.keys().iter().map(code).collect();
        }
        let texts: Vec<Option<&str>> = column.as_string_opt::<i32>()?.iter().collect();
        Some(self.dictionaries.encode_texts(label, &texts))
    }
}

/// Returns whether a number may be a cell of the lake's finest resolution: its bits 52 to 55
/// (<https://h3geo.org/docs/core-library/h3Indexing>).
fn is_finest_cell(cell: i64) -> bool {
    cell > 0 && (cell >> 52) & 0xF == i64::from(FINEST_RESOLUTION)
}
