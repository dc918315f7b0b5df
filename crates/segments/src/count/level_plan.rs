//! How the rows of one segment are summed into groups.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::accumulator::Accumulator;
use super::error::CountError;
use super::span::Span;
use crate::calendar::{HOURS_PER_WEEK, Hour, UNDATED, hour_of_week};
use crate::code::Code;
use crate::code_column::CodeColumn;
use crate::dimension::Dimension;
use crate::request::{CellOverlap, ColumnFilter, CountRequest, GroupKey, PlaceFilter, TimeBuckets};
use crate::segment::{Counts, Points, Segment};

/// Rows that are looked at together, so that what is known of them stays in the fastest memory.
const BLOCK_ROWS: usize = 2_048;

/// A binary search takes as long as looking at some so many rows.
const MIN_ROWS_OF_SEARCH: usize = 8;

/// The filters and keys of a question over one segment. What is the same in every row is left out of them.
pub(super) struct LevelPlan<'a> {
    segment: &'a Segment,
    /// Set once nobody waits for the answer.
    stop: &'a AtomicBool,
    /// The part of the group that is the same in every row.
    base: usize,
    row_filters: Vec<(&'a CodeColumn, &'a [bool])>,
    /// The codes that pass the filter of the column by which the rows of each run are sorted.
    sorted_filter: Option<(&'a CodeColumn, Vec<Range<Code>>)>,
    row_keys: Vec<RowKey<'a>>,
    time_key: Option<(&'a TimeBuckets, usize)>,
    /// The microseconds of rows, the length of buckets within an hour, and their stride.
    minute_key: Option<(&'a [u32], u32, usize)>,
    places: Option<(&'a PlaceFilter, &'a CodeColumn, &'a Points)>,
    /// By hour of the week, Monday 00:00 first: its part of the group; none if it is not counted.
    hours_of_week: Option<Box<[Option<usize>; HOURS_PER_WEEK]>>,
    /// The part of the group of incidents without a time; none if they are not counted.
    undated: Option<usize>,
}

struct RowKey<'a> {
    column: &'a CodeColumn,
    group_of_code: &'a [u32],
    stride: usize,
}

impl<'a> LevelPlan<'a> {
    /// Returns the plan; `None` if no row passes.
    pub(super) fn new(
        request: &'a CountRequest,
        sizes: &[usize],
        segment: &'a Segment,
        resource: usize,
        stop: &'a AtomicBool,
    ) -> Option<Self> {
        let mut plan = Self {
            segment,
            stop,
            base: 0,
            row_filters: Vec::new(),
            sorted_filter: None,
            row_keys: Vec::new(),
            time_key: None,
            minute_key: None,
            places: None,
            hours_of_week: None,
            undated: None,
        };
        for ColumnFilter { dimension, passes } in &request.filters {
            match segment.columns[dimension.index()].as_ref()? {
                CodeColumn::Same(code) if passes[*code as usize] => {}
                CodeColumn::Same(_) => return None,
                column if segment.sorted_by == Some(*dimension) && plan.sorted_filter.is_none() => {
                    let ranges = passing_ranges(passes);
                    // With many short runs, looking at each row is faster than searching for each range.
                    if ranges.len() * segment.starts.len() > segment.rows() / MIN_ROWS_OF_SEARCH {
                        plan.row_filters.push((column, passes));
                    } else {
                        plan.sorted_filter = Some((column, ranges));
                    }
                }
                column => plan.row_filters.push((column, passes)),
            }
        }
        if let Some(places) = &request.places {
            let cells = segment.columns[Dimension::Cell.index()].as_ref()?;
            plan.places = Some((places, cells, segment.points.as_ref()?));
        }
        let (mut hour_of_day, mut day_of_week) = (0, 0);
        let mut stride = 1;
        for (key, size) in request.keys.iter().zip(sizes).rev() {
            match key {
                GroupKey::Resource { .. } => plan.base += resource * stride,
                GroupKey::Column { dimension, group_of_code, .. } => {
                    match segment.columns[dimension.index()].as_ref()? {
                        CodeColumn::Same(code) => plan.base += group_of_code[*code as usize] as usize * stride,
                        column => plan.row_keys.push(RowKey { column, group_of_code, stride }),
                    }
                }
                GroupKey::Time(buckets) => {
                    plan.time_key = Some((buckets, stride));
                    if let Some(length) = buckets.micros() {
                        plan.minute_key = Some((&segment.points.as_ref()?.micros, length, stride));
                    }
                }
                GroupKey::HourOfDay => hour_of_day = stride,
                GroupKey::DayOfWeek => day_of_week = stride,
            }
            stride *= size;
        }
        let (hours, days) = (request.hours_of_day, request.days_of_week);
        if hour_of_day > 0 || day_of_week > 0 || hours.is_some() || days.is_some() {
            let of_hour = |hour_of_week: usize| {
                let (day, hour) = (hour_of_week / 24, hour_of_week % 24);
                let passes = hours.is_none_or(|hours| hours[hour]) && days.is_none_or(|days| days[day]);
                passes.then_some(hour * hour_of_day + day * day_of_week)
            };
            plan.hours_of_week = Some(Box::new(std::array::from_fn(of_hour)));
        }
        plan.undated = request.counts_undated().then_some(24 * hour_of_day + 7 * day_of_week);
        Some(plan)
    }

    /// Sums the rows of a span of the segment.
    pub(super) fn sum_span(&self, span: &Span<'_>, sums: &mut impl Accumulator) -> Result<(), CountError> {
        let (runs, within) = (span.runs.clone(), &span.within);
        let mut block = Block::default();
        if self.time_key.is_none() && self.hours_of_week.is_none() {
            return self.sum_rows(runs, within, self.base, &mut block, sums);
        }
        // Runs of one group that follow each other are summed at once.
        let (mut first, mut group) = (runs.start, None);
        for run in runs.clone() {
            let own = self.group_of_run(self.segment.starts[run]);
            if own != group {
                if let Some(group) = group {
                    self.sum_rows(first..run, within, group, &mut block, sums)?;
                }
                (first, group) = (run, own);
            }
        }
        match group {
            Some(group) => self.sum_rows(first..runs.end, within, group, &mut block, sums),
            None => Ok(()),
        }
    }

    /// Returns the group of a run as far as its time decides it; `None` if it is not counted.
    fn group_of_run(&self, hour: Hour) -> Option<usize> {
        let of_week = match &self.hours_of_week {
            _ if hour == UNDATED => self.undated?,
            Some(hours) => hours[hour_of_week(hour)]?,
            None => 0,
        };
        let of_time = self.time_key.map_or(0, |(buckets, stride)| buckets.group(hour) * stride);
        Some(self.base + of_week + of_time)
    }

    fn sum_rows(
        &self,
        runs: Range<usize>,
        within: &Range<usize>,
        group: usize,
        block: &mut Block,
        sums: &mut impl Accumulator,
    ) -> Result<(), CountError> {
        let segment = self.segment;
        let first_row = |run: usize| segment.first_rows[run] as usize;
        if let Some((column, ranges)) = &self.sorted_filter {
            for run in runs {
                for codes in ranges {
                    let rows = column.rows_of(first_row(run)..first_row(run + 1), codes);
                    self.sum_range(rows, group, block, sums)?;
                }
            }
            return Ok(());
        }
        let rows = first_row(runs.start).max(within.start)..first_row(runs.end).min(within.end);
        let is_summed = self.row_filters.is_empty() && self.row_keys.is_empty();
        let has_points = self.minute_key.is_some() || self.places.is_some();
        if is_summed && !has_points && rows == (first_row(runs.start)..first_row(runs.end)) {
            sums.add(group, segment.sums[runs.end] - segment.sums[runs.start]);
            return sums.check();
        }
        self.sum_range(rows, group, block, sums)
    }

    fn sum_range(
        &self,
        range: Range<usize>,
        group: usize,
        block: &mut Block,
        sums: &mut impl Accumulator,
    ) -> Result<(), CountError> {
        let (mut first, end) = (range.start, range.end);
        while first < end {
            let rows = first..end.min(first + BLOCK_ROWS);
            first = rows.end;
            let segment = self.segment;
            match (self.row_filters.as_slice(), self.row_keys.as_slice()) {
                ([], [key]) if self.minute_key.is_none() && self.places.is_none() => {
                    sum_by_key(&segment.counts, key, rows, group, sums)
                }
                _ => self.sum_block(rows, group, block, sums),
            }
            if self.stop.load(Ordering::Relaxed) {
                return Err(CountError::Stopped);
            }
            sums.check()?;
        }
        Ok(())
    }

    fn sum_block(&self, rows: Range<usize>, group: usize, block: &mut Block, sums: &mut impl Accumulator) {
        block.select(rows, &self.row_filters);
        if let Some((filter, cells, points)) = self.places {
            block.retain_places(filter, cells, points);
        }
        block.groups.clear();
        block.groups.resize(block.selected.len(), group);
        if let Some((micros, length, stride)) = self.minute_key {
            for (group, row) in block.groups.iter_mut().zip(&block.selected) {
                *group += (micros[*row as usize] / length) as usize * stride;
            }
        }
        for key in &self.row_keys {
            let RowKey { column, group_of_code, stride } = key;
            match column {
                CodeColumn::Same(_) => {}
                CodeColumn::Bytes(codes) => block.add_groups(codes, group_of_code, *stride),
                CodeColumn::Shorts(codes) => block.add_groups(codes, group_of_code, *stride),
                CodeColumn::Words(codes) => block.add_groups(codes, group_of_code, *stride),
            }
        }
        let counted = block.groups.iter().zip(&block.selected);
        match &self.segment.counts {
            Counts::Bytes(counts) => {
                counted.for_each(|(group, row)| sums.add(*group, counts[*row as usize].into()));
            }
            Counts::Words(counts) => counted.for_each(|(group, row)| sums.add(*group, counts[*row as usize])),
        }
    }
}

/// Returns the codes that pass, those that follow each other together.
fn passing_ranges(passes: &[bool]) -> Vec<Range<Code>> {
    let mut ranges: Vec<Range<Code>> = Vec::new();
    for (code, _) in (0..).zip(passes).filter(|(_, passes)| **passes) {
        match ranges.last_mut() {
            Some(last) if last.end == code => last.end += 1,
            _ => ranges.push(code..code + 1),
        }
    }
    ranges
}

/// Sums rows by one key without a filter: the question of every heat map.
fn sum_by_key(counts: &Counts, key: &RowKey<'_>, rows: Range<usize>, group: usize, sums: &mut impl Accumulator) {
    fn each<C: AsIndex, N: Copy + Into<i64>>(
        (codes, counts): (&[C], &[N]),
        key: &RowKey<'_>,
        group: usize,
        sums: &mut impl Accumulator,
    ) {
        for (code, count) in codes.iter().zip(counts) {
            sums.add(group + key.group_of_code[code.index()] as usize * key.stride, (*count).into());
        }
    }
    match (key.column, counts) {
        // A column of one code is in no key.
        (CodeColumn::Same(_), _) => {}
        (CodeColumn::Bytes(codes), Counts::Bytes(counts)) => {
            each((&codes[rows.clone()], &counts[rows]), key, group, sums);
        }
        (CodeColumn::Shorts(codes), Counts::Bytes(counts)) => {
            each((&codes[rows.clone()], &counts[rows]), key, group, sums);
        }
        (CodeColumn::Words(codes), Counts::Bytes(counts)) => {
            each((&codes[rows.clone()], &counts[rows]), key, group, sums);
        }
        (CodeColumn::Bytes(codes), Counts::Words(counts)) => {
            each((&codes[rows.clone()], &counts[rows]), key, group, sums);
        }
        (CodeColumn::Shorts(codes), Counts::Words(counts)) => {
            each((&codes[rows.clone()], &counts[rows]), key, group, sums);
        }
        (CodeColumn::Words(codes), Counts::Words(counts)) => {
            each((&codes[rows.clone()], &counts[rows]), key, group, sums);
        }
    }
}

/// A code as an index.
trait AsIndex: Copy {
    fn index(self) -> usize;
}

impl AsIndex for u8 {
    #[inline]
    fn index(self) -> usize {
        self.into()
    }
}

impl AsIndex for u16 {
    #[inline]
    fn index(self) -> usize {
        self.into()
    }
}

impl AsIndex for u32 {
    #[inline]
    fn index(self) -> usize {
        self as usize
    }
}

/// Rows of a block that pass the filters, and their groups.
#[derive(Default)]
struct Block {
    selected: Vec<u32>,
    groups: Vec<usize>,
}

impl Block {
    fn select(&mut self, rows: Range<usize>, filters: &[(&CodeColumn, &[bool])]) {
        self.selected.clear();
        // A segment has no more rows than 32 bits number.
        let number = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
        self.selected.extend(number(rows.start)..number(rows.end));
        for (column, passes) in filters {
            match column {
                CodeColumn::Same(_) => {}
                CodeColumn::Bytes(codes) => self.retain(codes, passes),
                CodeColumn::Shorts(codes) => self.retain(codes, passes),
                CodeColumn::Words(codes) => self.retain(codes, passes),
            }
        }
    }

    /// Keeps the rows that pass, without a branch that the processor would have to guess.
    fn retain<C: AsIndex>(&mut self, codes: &[C], passes: &[bool]) {
        let mut kept = 0;
        for n in 0..self.selected.len() {
            let row = self.selected[n];
            self.selected[kept] = row;
            kept += usize::from(passes[codes[row as usize].index()]);
        }
        self.selected.truncate(kept);
    }

    fn retain_places(&mut self, filter: &PlaceFilter, cells: &CodeColumn, points: &Points) {
        self.selected.retain(|row| {
            let row = *row as usize;
            match filter.cells[cells.get(row) as usize] {
                CellOverlap::Outside => false,
                CellOverlap::Inside => true,
                CellOverlap::Partial => (filter.contains)(points.latitudes[row], points.longitudes[row]),
            }
        });
    }

    fn add_groups<C: AsIndex>(&mut self, codes: &[C], group_of_code: &[u32], stride: usize) {
        for (group, row) in self.groups.iter_mut().zip(&self.selected) {
            *group += group_of_code[codes[*row as usize].index()] as usize * stride;
        }
    }
}
