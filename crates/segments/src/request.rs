//! What is counted, and by what.

use std::fmt;
use std::sync::Arc;

use lake_model::MICROS_PER_HOUR;

use crate::calendar::{Hour, Interval, UNDATED, hour_of_micros, micros_of_hour};
use crate::dimension::{Dimension, DimensionSet};

/// A question in terms of codes and hours.
#[derive(Clone, Debug, Default)]
pub struct CountRequest {
    /// What the groups are made of; the first is the slowest to change in their order.
    pub keys: Vec<GroupKey>,
    /// The codes to count.
    pub filters: Vec<ColumnFilter>,
    /// The first instant inside.
    pub from: Option<Instant>,
    /// The first instant after.
    pub to: Option<Instant>,
    /// Only incidents with a time, or only those without.
    pub dated: Option<bool>,
    /// Whether an hour of the day is counted; every hour, and incidents without a time, if none.
    pub hours_of_day: Option<[bool; 24]>,
    /// Whether a day of the week is counted, Monday first; every day, and incidents without a time, if none.
    pub days_of_week: Option<[bool; 7]>,
    /// Which places are counted; every place, and incidents without one, if none.
    pub places: Option<PlaceFilter>,
}

/// A test of the place of an incident.
#[derive(Clone)]
pub struct PlaceFilter {
    /// By the code of the cell: whether all of it, none of it or a part is inside.
    pub cells: Vec<CellOverlap>,
    /// Whether a latitude and a longitude are inside, degrees.
    pub contains: Arc<dyn Fn(f64, f64) -> bool + Send + Sync>,
}

/// How much of a cell is inside an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellOverlap {
    /// Nothing.
    Outside,
    /// Some of it, or it is not known.
    Partial,
    /// All of it.
    Inside,
}

impl fmt::Debug for PlaceFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaceFilter").field("cells", &self.cells.len()).finish_non_exhaustive()
    }
}

/// An instant of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// Its hour.
    pub hour: Hour,
    /// Microseconds since the start of the hour.
    pub micros: u32,
}

impl Instant {
    /// Returns the instant of wall-clock microseconds; `None` if its hour is not one of 32 bits.
    pub fn from_micros(micros: i64) -> Option<Self> {
        let in_hour = micros.rem_euclid(MICROS_PER_HOUR);
        Some(Self { hour: hour_of_micros(micros - in_hour)?, micros: u32::try_from(in_hour).ok()? })
    }

    /// Returns the first hour that begins at it or later.
    pub(crate) fn next_hour(self) -> Hour {
        if self.micros == 0 { self.hour } else { self.hour.saturating_add(1) }
    }
}

/// Which codes of a dimension are counted.
#[derive(Clone, Debug)]
pub struct ColumnFilter {
    /// The dimension.
    pub dimension: Dimension,
    /// By code.
    pub passes: Vec<bool>,
}

/// A part of what the groups of an answer are made of. Its groups are numbered in their order, that of null last.
#[derive(Clone, Debug)]
pub enum GroupKey {
    /// The resource.
    Resource {
        /// The number of resources.
        groups: usize,
    },
    /// A dimension.
    Column {
        /// The dimension.
        dimension: Dimension,
        /// The group of each code that passes the filters.
        group_of_code: Vec<u32>,
        /// The number of groups.
        groups: usize,
    },
    /// The bucket of time.
    Time(TimeBuckets),
    /// The hour of the day, 0 to 23, and none.
    HourOfDay,
    /// The day of the week, Monday 0 to Sunday 6, and none.
    DayOfWeek,
}

/// Buckets of time between two hours.
#[derive(Clone, Debug)]
pub struct TimeBuckets {
    interval: Interval,
    /// The number of the first entry of `group_of_unit`: days since 1970, or hours if buckets are shorter than a day.
    first_unit: i32,
    hours_of_unit: i32,
    group_of_unit: Vec<u32>,
    starts: Vec<i64>,
    /// The length of buckets that are shorter than an hour, microseconds.
    micros: Option<u32>,
}

impl TimeBuckets {
    /// Returns the buckets of the hours from `first` to `last`. Each consists of whole intervals; `start` returns the start of
    /// the bucket of an instant, both in wall-clock microseconds.
    pub fn new(interval: Interval, (first, last): (Hour, Hour), start: impl Fn(i64) -> i64) -> Self {
        let hours_of_unit = if interval == Interval::Hour { 1 } else { 24 };
        // The run of an interval begins where the interval does.
        let first_unit = interval.start(first).div_euclid(hours_of_unit);
        let (mut starts, mut group_of_unit) = (Vec::new(), Vec::new());
        for unit in first_unit..=last.div_euclid(hours_of_unit) {
            let start = start(micros_of_hour(unit.saturating_mul(hours_of_unit)));
            if starts.last() != Some(&start) {
                starts.push(start);
            }
            group_of_unit.push(u32::try_from(starts.len() - 1).unwrap_or(u32::MAX));
        }
        Self { interval, first_unit, hours_of_unit, group_of_unit, starts, micros: None }
    }

    /// Returns buckets of so many microseconds, a divisor of an hour.
    pub fn within_hours(micros: u32, (first, last): (Hour, Hour)) -> Self {
        let of_hour = u32::try_from(MICROS_PER_HOUR).unwrap_or(u32::MAX) / micros.max(1);
        let (mut starts, mut group_of_unit) = (Vec::new(), Vec::new());
        for hour in first..=last {
            group_of_unit.push(u32::try_from(starts.len()).unwrap_or(u32::MAX));
            starts.extend((0..of_hour).map(|n| micros_of_hour(hour) + i64::from(n) * i64::from(micros)));
        }
        let interval = Interval::Hour;
        Self { interval, first_unit: first, hours_of_unit: 1, group_of_unit, starts, micros: Some(micros) }
    }

    /// Returns the length of buckets that are shorter than an hour, microseconds.
    pub(crate) fn micros(&self) -> Option<u32> {
        self.micros
    }

    /// Returns the start of a bucket, wall-clock microseconds; `None` for that of incidents without a time.
    pub fn start(&self, group: usize) -> Option<i64> {
        self.starts.get(group).copied()
    }

    fn groups(&self) -> usize {
        self.starts.len() + 1
    }

    pub(crate) fn group(&self, hour: Hour) -> usize {
        if hour == UNDATED {
            return self.starts.len();
        }
        let unit = usize::try_from(hour.div_euclid(self.hours_of_unit) - self.first_unit);
        let group = unit.ok().and_then(|unit| self.group_of_unit.get(unit));
        group.map_or(self.starts.len(), |group| *group as usize)
    }
}

impl GroupKey {
    /// Returns the number of groups.
    pub(crate) fn groups(&self) -> usize {
        match self {
            Self::Resource { groups } | Self::Column { groups, .. } => *groups,
            Self::Time(buckets) => buckets.groups(),
            Self::HourOfDay => 25,
            Self::DayOfWeek => 8,
        }
    }
}

impl CountRequest {
    /// Returns the dimensions that a segment must have to answer.
    pub fn dimensions(&self) -> DimensionSet {
        let keys = self.keys.iter().filter_map(|key| match key {
            GroupKey::Column { dimension, .. } => Some(*dimension),
            _ => None,
        });
        keys.chain(self.filters.iter().map(|filter| filter.dimension)).collect()
    }

    /// Returns the longest intervals that answer, but for the window.
    pub(crate) fn longest_interval(&self) -> Interval {
        let keys = self.keys.iter().map(|key| match key {
            GroupKey::Time(buckets) => buckets.interval,
            GroupKey::HourOfDay => Interval::Hour,
            GroupKey::DayOfWeek => Interval::Day,
            GroupKey::Resource { .. } | GroupKey::Column { .. } => Interval::Year,
        });
        let hours = self.hours_of_day.map(|_| Interval::Hour);
        let days = self.days_of_week.map(|_| Interval::Day);
        keys.chain(hours).chain(days).min().unwrap_or(Interval::Year)
    }

    /// Returns whether exact times or places are tested, which counts by hour and cell do not have.
    pub fn needs_points(&self) -> bool {
        let is_within_hour = |instant: Option<Instant>| instant.is_some_and(|instant| instant.micros != 0);
        let has_short_buckets =
            self.keys.iter().any(|key| matches!(key, GroupKey::Time(buckets) if buckets.micros.is_some()));
        self.places.is_some() || has_short_buckets || is_within_hour(self.from) || is_within_hour(self.to)
    }

    /// Returns whether incidents without a time are counted.
    pub(crate) fn counts_undated(&self) -> bool {
        let any_time = self.from.is_none() && self.to.is_none();
        any_time && self.hours_of_day.is_none() && self.days_of_week.is_none() && self.dated != Some(true)
    }
}
