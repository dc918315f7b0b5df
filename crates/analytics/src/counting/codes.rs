//! A question in terms of codes, and the columns of its answer.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, TimeUnit};
use lake_model::FINEST_RESOLUTION;
use lake_query::{CellBox, cell_to_parent};
use lake_segments::{
    ColumnFilter, CountRequest, CountedGroups, Dictionaries, Dimension as CodedDimension, GroupKey, Groups, Hour,
    Instant, TimeBuckets,
};

use crate::aggregates::AggregatesRequest;
use crate::dimension::Dimension;
use crate::filters::Filters;
use crate::spatial_filter::CellRange;
use crate::value_filter::ValueFilter;

/// The longest span of time whose buckets are numbered: more than 200 years of hours, four years of minutes.
const MAX_HOURS: i64 = 1 << 21;

/// A request for groups, and how they are written as columns.
pub(super) struct CodedQuestion {
    pub(super) request: CountRequest,
    keys: Vec<KeyColumn>,
}

/// The values of the groups of a key.
enum KeyColumn {
    Texts(&'static str, Vec<Option<Arc<str>>>),
    Cells(Vec<Option<i64>>),
    Times(TimeBuckets),
    /// The hour of the day or the day of the week: the groups from this number on, but for the last, which is null.
    Numbers(&'static str, i32, usize),
}

impl CodedQuestion {
    /// Returns the question about these resources, in their order, whose incidents with a time are between these hours.
    /// `None` if there are too many buckets of time, or one without a label.
    pub(super) fn new(
        question: &AggregatesRequest,
        dictionaries: &Dictionaries,
        resources: &[&str],
        hours: Option<(Hour, Hour)>,
        boxes: impl Fn() -> Arc<Vec<Option<CellBox>>>,
    ) -> Option<Self> {
        let filters = &question.filters;
        let instant = |instant: Option<i64>| match instant {
            None => Some(None),
            Some(instant) => Instant::from_micros(instant).map(Some),
        };
        let mut request = CountRequest {
            keys: Vec::new(),
            filters: column_filters(filters, dictionaries),
            from: instant(filters.start)?,
            to: instant(filters.end)?,
            dated: filters.dated,
            hours_of_day: selected(&filters.hours, 0),
            days_of_week: selected(&filters.weekdays, 1),
            places: if filters.test_points() { filters.place_filter(&boxes()) } else { None },
        };
        let mut keys = Vec::new();
        for dimension in &question.group_by {
            let (key, column) = match dimension {
                Dimension::Resource => {
                    let names = resources.iter().map(|name| Some(Arc::from(*name)));
                    let key = GroupKey::Resource { groups: resources.len() };
                    (key, KeyColumn::Texts(dimension.column(), names.collect()))
                }
                Dimension::Cell => {
                    let resolution = question.resolution;
                    let parent = |cell| match resolution < FINEST_RESOLUTION {
                        true => cell_to_parent(cell, i64::from(resolution)).unwrap_or(cell),
                        false => cell,
                    };
                    let groups = dictionaries.parents_in_order(resolution, parent);
                    let (key, values) = column_key(CodedDimension::Cell, &groups, &request.filters);
                    (key, KeyColumn::Cells(values))
                }
                Dimension::Time => {
                    let precision = question.precision;
                    let (first, last) = window_hours(&request, hours);
                    if i64::from(last) - i64::from(first) > MAX_HOURS / precision.buckets_of_hour() {
                        return None;
                    }
                    let buckets = match precision.micros_within_hour() {
                        Some(micros) => TimeBuckets::within_hours(micros, (first, last)),
                        None => TimeBuckets::new(precision.interval()?, (first, last), |at| precision.start(at)),
                    };
                    (GroupKey::Time(buckets.clone()), KeyColumn::Times(buckets))
                }
                Dimension::Hour => (GroupKey::HourOfDay, KeyColumn::Numbers(dimension.column(), 0, 24)),
                Dimension::Weekday => (GroupKey::DayOfWeek, KeyColumn::Numbers(dimension.column(), 1, 7)),
                label => {
                    let coded = coded_label(*label)?;
                    let (key, values) = column_key(coded, &*dictionaries.texts_in_order(coded)?, &request.filters);
                    (key, KeyColumn::Texts(label.column(), values))
                }
            };
            request.keys.push(key);
            keys.push(column);
        }
        Some(Self { request, keys })
    }

    /// Returns the columns of the answer but for the count.
    pub(super) fn columns(&self, counted: &CountedGroups) -> Vec<(Field, ArrayRef)> {
        let column = |(key, column): (usize, &KeyColumn)| {
            let groups = counted.groups_of(key);
            match column {
                KeyColumn::Texts(name, texts) => {
                    let texts: StringArray = groups.map(|group| texts[group].as_deref()).collect();
                    (Field::new(*name, DataType::Utf8, true), Arc::new(texts) as ArrayRef)
                }
                KeyColumn::Cells(cells) => {
                    let cells: Int64Array = groups.map(|group| cells[group]).collect();
                    (Field::new(Dimension::Cell.column(), DataType::Int64, true), Arc::new(cells) as ArrayRef)
                }
                KeyColumn::Times(buckets) => {
                    let starts: TimestampMicrosecondArray = groups.map(|group| buckets.start(group)).collect();
                    let kind = DataType::Timestamp(TimeUnit::Microsecond, None);
                    (Field::new(Dimension::Time.column(), kind, true), Arc::new(starts) as ArrayRef)
                }
                KeyColumn::Numbers(name, first, null) => {
                    let number = |group: usize| i32::try_from(group).ok().filter(|_| group != *null).map(|n| n + first);
                    let numbers: Int32Array = groups.map(number).collect();
                    (Field::new(*name, DataType::Int32, true), Arc::new(numbers) as ArrayRef)
                }
            }
        };
        self.keys.iter().enumerate().map(column).collect()
    }
}

fn coded_label(dimension: Dimension) -> Option<CodedDimension> {
    match dimension {
        Dimension::Category => Some(CodedDimension::Category),
        Dimension::Subcategory => Some(CodedDimension::Subcategory),
        Dimension::District => Some(CodedDimension::District),
        Dimension::Neighborhood => Some(CodedDimension::Neighborhood),
        Dimension::Resource | Dimension::Cell | Dimension::Time | Dimension::Hour | Dimension::Weekday => None,
    }
}

/// Returns the hours that are counted, of those between which there are incidents.
fn window_hours(request: &CountRequest, hours: Option<(Hour, Hour)>) -> (Hour, Hour) {
    let Some((first, last)) = hours else { return (0, 0) };
    let first = request.from.map_or(first, |from| first.max(from.hour));
    let last = request.to.map_or(last, |to| last.min(to.hour));
    // Without an hour in common nothing is counted, whatever the buckets are.
    if first <= last { (first, last) } else { (first, first) }
}

fn column_key<T: Ord + Clone>(
    dimension: CodedDimension,
    groups: &Groups<T>,
    filters: &[ColumnFilter],
) -> (GroupKey, Vec<Option<T>>) {
    let of_dimension = filters.iter().find(|filter| filter.dimension == dimension);
    let groups = of_dimension.map_or_else(|| groups.clone(), |filter| groups.retain(&filter.passes));
    let key = GroupKey::Column { dimension, groups: groups.values.len(), group_of_code: groups.of_code };
    (key, groups.values)
}

/// Returns a filter for each dimension that has conditions.
fn column_filters(filters: &Filters, dictionaries: &Dictionaries) -> Vec<ColumnFilter> {
    let mut found = Vec::new();
    if !filters.cells.is_empty() || filters.located.is_some() {
        let ranges = CellRange::merge(&filters.cells);
        let is_wanted = |cell: i64| ranges.is_empty() || CellRange::any_contains(&ranges, cell);
        let located = dictionaries.cells().iter().map(|cell| filters.located != Some(false) && is_wanted(*cell));
        let unlocated = filters.located != Some(true) && filters.cells.is_empty();
        let passes = std::iter::once(unlocated).chain(located).collect();
        found.push(ColumnFilter { dimension: CodedDimension::Cell, passes });
    }
    for (label, filter) in &filters.labels {
        if let Some(dimension) = coded_label(*label) {
            found.push(ColumnFilter { dimension, passes: passing_codes(filter, dictionaries, dimension) });
        }
    }
    found
}

fn passing_codes(filter: &ValueFilter, dictionaries: &Dictionaries, dimension: CodedDimension) -> Vec<bool> {
    let mut passes = vec![filter.included.is_empty(); dictionaries.len(dimension)];
    let code = |text: &String| match text.is_empty() {
        true => Some(lake_segments::NULL_CODE),
        false => dictionaries.code_of_text(dimension, text),
    };
    filter.included.iter().filter_map(code).for_each(|code| passes[code as usize] = true);
    filter.excluded.iter().filter_map(code).for_each(|code| passes[code as usize] = false);
    passes
}

/// Returns which of `N` numbers from `first` on are named; `None` if none are: all are wanted then.
fn selected<const N: usize>(numbers: &[i32], first: i32) -> Option<[bool; N]> {
    let is_named = |n: usize| numbers.iter().any(|number| usize::try_from(number - first) == Ok(n));
    (!numbers.is_empty()).then(|| std::array::from_fn(is_named))
}
