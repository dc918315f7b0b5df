//! Counting over segments and their rollups, against a plain count of the same rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, Datelike as _, NaiveDateTime, Timelike as _};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::{
    CellOverlap, ColumnFilter, CountError, CountRequest, CountedGroups, Dictionaries, Dimension, GroupKey, Instant,
    Interval, PlaceFilter, Rollups, Segment, SegmentBuilder, SegmentLevels, SegmentOfResource, SharedDictionaries,
    TimeBuckets, count_groups, hour_of_micros,
};

const MICROS_PER_HOUR: i64 = 3_600_000_000;
/// 2019-11-20T00:00, so that rows lie in three years.
const FIRST_HOUR: i64 = 437_232;

static NEVER: AtomicBool = AtomicBool::new(false);
/// What makes a small number a cell of the finest resolution.
const FINEST_CELL: i64 = 10 << 52;

/// A row: its hour, its cell, four labels, and its count.
#[derive(Clone, Debug)]
struct Row {
    hour: Option<i64>,
    cell: Option<i64>,
    labels: [Option<u8>; 4],
    count: i64,
    /// Microseconds since the start of the hour.
    micros: u32,
    /// North and east of the corner of its cell, in parts of it.
    offset: (f64, f64),
}

/// A part of a group's key, as a client would read it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Known(String),
    Null,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Resource,
    Cell,
    Label(usize),
    Minutes,
    Hours,
    Days,
    Weeks,
    Months,
    Years,
    HourOfDay,
    DayOfWeek,
}

#[derive(Clone, Debug)]
struct Asked {
    by: Vec<By>,
    window: (Option<i64>, Option<i64>),
    dated: Option<bool>,
    labels: Vec<(usize, Vec<Option<u8>>)>,
    cells: Option<Vec<Option<i64>>>,
    hours: Option<Vec<u8>>,
    days: Option<Vec<u8>>,
    limit: usize,
    /// Microseconds that the window starts and ends after its hours.
    window_micros: (u32, u32),
    /// South, north and east.
    place: Option<(f64, f64, f64)>,
}

/// How the counts of a test are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    ByHour,
    RolledUp,
    WithPoints,
}

fn row() -> impl Strategy<Value = Row> {
    let hour = option::weighted(0.95, (0_i64..15_000).prop_map(|hour| FIRST_HOUR + hour));
    let cell = option::weighted(0.9, (1_i64..300).prop_map(|cell| cell * 7 % 300));
    let label = || option::weighted(0.8, 0_u8..6);
    let count = prop_oneof![8 => 1_i64..3, 1 => -2_i64..0, 1 => 250_i64..600];
    let micros = prop_oneof![Just(0_u32), (0_u32..3_600).prop_map(|second| second * 1_000_000)];
    let offset = || (0_u32..100).prop_map(|part| f64::from(part) / 100.0);
    (hour, cell, [label(), label(), label(), label()], count, micros, (offset(), offset()))
        .prop_map(|(hour, cell, labels, count, micros, offset)| Row { hour, cell, labels, count, micros, offset })
}

fn asked(with_points: bool) -> impl Strategy<Value = Asked> {
    let short = if with_points { By::Minutes } else { By::Hours };
    let by = prop_oneof![
        Just(short),
        Just(By::Resource),
        Just(By::Cell),
        (0_usize..4).prop_map(By::Label),
        Just(By::Hours),
        Just(By::Days),
        Just(By::Weeks),
        Just(By::Months),
        Just(By::Years),
        Just(By::HourOfDay),
        Just(By::DayOfWeek),
    ];
    let hour = || option::of((-100_i64..15_100).prop_map(|hour| FIRST_HOUR + hour));
    let texts = vec((0_usize..4, vec(option::weighted(0.8, 0_u8..7), 1..4)), 0..3);
    let cells = option::weighted(0.3, vec(option::of(0_i64..300), 1..60));
    let hours = option::weighted(0.3, vec(0_u8..24, 1..8));
    let days = option::weighted(0.3, vec(0_u8..7, 1..4));
    let dated = option::weighted(0.2, any::<bool>());
    let times = (hours, days);
    let limit = prop_oneof![Just(usize::MAX), 1_usize..20];
    let part = move || if with_points { (0_u32..3_600).prop_map(|s| s * 1_000_000).boxed() } else { Just(0).boxed() };
    let box_ = (0_u32..3_000, 0_u32..3_000, 0_u32..150).prop_map(|(a, b, east)| {
        let tenth = |n: u32| f64::from(n) / 10.0;
        (tenth(a.min(b)), tenth(a.max(b)), f64::from(east) / 100.0)
    });
    let place = if with_points { option::of(box_).boxed() } else { Just(None).boxed() };
    (vec(by, 0..4), hour(), hour(), dated, texts, cells, times, limit, (part(), part()), place).prop_map(
        |(mut by, from, to, dated, labels, cells, (hours, days), limit, window_micros, place)| {
            let mut seen = Vec::new();
            by.retain(|by| {
                let time = matches!(by, By::Minutes | By::Hours | By::Days | By::Weeks | By::Months | By::Years);
                let kind = if time { By::Days } else { *by };
                let new = !seen.contains(&kind);
                seen.push(kind);
                new
            });
            Asked { by, window: (from, to), dated, labels, cells, hours, days, limit, window_micros, place }
        },
    )
}

fn text(label: u8) -> String {
    // Not in the order of the numbers.
    format!("{}", label * 5 % 7)
}

fn time(hour: i64) -> NaiveDateTime {
    DateTime::from_timestamp_micros(hour * MICROS_PER_HOUR).expect("a time").naive_utc()
}

fn bucket(by: By, hour: i64) -> i64 {
    let at = time(hour);
    let day = at.date();
    let first = match by {
        By::Hours => return hour * MICROS_PER_HOUR,
        By::Weeks => day - chrono::Days::new(day.weekday().num_days_from_monday().into()),
        By::Months => day.with_day(1).expect("a day"),
        By::Years => day.with_ordinal(1).expect("a day"),
        _ => day,
    };
    first.and_hms_opt(0, 0, 0).expect("midnight").and_utc().timestamp_micros()
}

fn passes(asked: &Asked, row: &Row) -> bool {
    let at = row.hour.map(|hour| (hour, row.micros));
    let after = asked.window.0.is_none_or(|from| at.is_some_and(|at| at >= (from, asked.window_micros.0)));
    let before = asked.window.1.is_none_or(|to| at.is_some_and(|at| at < (to, asked.window_micros.1)));
    let place = asked.place.is_none_or(|place| row.place().is_some_and(|(lat, lon)| is_inside(place, lat, lon)));
    let dated = asked.dated.is_none_or(|dated| row.hour.is_some() == dated);
    let hour = asked.hours.as_ref().is_none_or(|hours| {
        row.hour.is_some_and(|hour| hours.iter().any(|wanted| u32::from(*wanted) == time(hour).hour()))
    });
    let day = asked.days.as_ref().is_none_or(|days| {
        let of = |hour: i64| time(hour).weekday().num_days_from_monday();
        row.hour.is_some_and(|hour| days.iter().any(|wanted| u32::from(*wanted) == of(hour)))
    });
    let labels = asked.labels.iter().all(|(label, wanted)| wanted.contains(&row.labels[*label]));
    let cell = asked.cells.as_ref().is_none_or(|cells| cells.contains(&row.cell));
    after && before && dated && hour && day && labels && cell && place
}

impl Row {
    /// Returns latitude and longitude. A cell is a square of one degree.
    fn place(&self) -> Option<(f64, f64)> {
        let south = f64::from(u32::try_from(self.cell?).expect("a small cell"));
        Some((south + self.offset.0, self.offset.1))
    }

    fn at(&self) -> Option<i64> {
        Some(self.hour? * MICROS_PER_HOUR + i64::from(self.micros))
    }
}

fn is_inside((south, north, east): (f64, f64, f64), latitude: f64, longitude: f64) -> bool {
    south <= latitude && latitude <= north && longitude <= east
}

fn overlap((south, north, east): (f64, f64, f64), cell: i64) -> CellOverlap {
    let bottom = f64::from(u32::try_from(cell).expect("a small cell"));
    if bottom > north || bottom + 1.0 < south {
        CellOverlap::Outside
    } else if south <= bottom && bottom + 1.0 <= north && east >= 1.0 {
        CellOverlap::Inside
    } else {
        CellOverlap::Partial
    }
}

fn value(by: By, resource: usize, row: &Row) -> Value {
    let number = |number: Option<i64>| number.map_or(Value::Null, |n| Value::Known(format!("{n:020}")));
    match by {
        By::Resource => Value::Known(format!("{resource:020}")),
        By::Cell => number(row.cell.map(|cell| cell / 10)),
        By::Label(label) => row.labels[label].map_or(Value::Null, |label| Value::Known(text(label))),
        By::HourOfDay => number(row.hour.map(|hour| time(hour).hour().into())),
        By::DayOfWeek => number(row.hour.map(|hour| time(hour).weekday().num_days_from_monday().into())),
        By::Minutes => number(row.at().map(|at| at - at.rem_euclid(15 * 60 * 1_000_000))),
        time => number(row.hour.map(|hour| bucket(time, hour))),
    }
}

fn count_plainly(asked: &Asked, resources: &[Vec<Row>]) -> Vec<(Vec<Value>, i64)> {
    let mut counts: BTreeMap<Vec<Value>, i64> = BTreeMap::new();
    for (resource, rows) in resources.iter().enumerate() {
        for row in rows.iter().filter(|row| passes(asked, row)) {
            let key = asked.by.iter().map(|by| value(*by, resource, row)).collect();
            *counts.entry(key).or_default() += row.count;
        }
    }
    if asked.by.is_empty() {
        return vec![(Vec::new(), counts.into_values().sum())];
    }
    counts.into_iter().filter(|(_, count)| *count != 0).collect()
}

fn batch(rows: &[Row], with_points: bool) -> RecordBatch {
    let places: Vec<Option<(f64, f64)>> = rows.iter().map(Row::place).collect();
    let points: [(&str, ArrayRef); 2] = [
        ("latitude", Arc::new(places.iter().map(|place| Some((*place)?.0)).collect::<Float64Array>())),
        ("longitude", Arc::new(places.iter().map(|place| Some((*place)?.1)).collect::<Float64Array>())),
    ];
    let hours = rows.iter().map(|row| if with_points { row.at() } else { Some(row.hour? * MICROS_PER_HOUR) });
    let label = |label: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.labels[label].map(text)).collect::<StringArray>())
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("occurred_at", Arc::new(hours.collect::<TimestampMicrosecondArray>())),
        ("cell", Arc::new(rows.iter().map(|row| Some(FINEST_CELL + row.cell?)).collect::<Int64Array>())),
        ("category", label(0)),
        ("subcategory", label(1)),
        ("district", label(2)),
        ("neighborhood", label(3)),
        ("count", Arc::new(rows.iter().map(|row| Some(row.count)).collect::<Int64Array>())),
    ];
    let points = points.into_iter().filter(|_| with_points);
    RecordBatch::try_from_iter(columns.into_iter().chain(points)).expect("a batch")
}

fn segment(dictionaries: &Arc<SharedDictionaries>, rows: &[Row], with_points: bool) -> Arc<Segment> {
    let mut builder = match with_points {
        true => SegmentBuilder::with_points(Arc::clone(dictionaries)),
        false => SegmentBuilder::new(Arc::clone(dictionaries)),
    };
    for part in rows.chunks(100) {
        builder.add(&batch(part, with_points)).expect("counts");
    }
    Arc::new(builder.finish().expect("a segment"))
}

fn passing_codes(dictionaries: &Dictionaries, dimension: Dimension, wanted: &[Option<String>]) -> Vec<bool> {
    let mut passes = vec![false; dictionaries.len(dimension)];
    for value in wanted {
        let code = match value {
            None => Some(0),
            Some(text) if dimension == Dimension::Cell => {
                let cell: i64 = text.parse().expect("a cell");
                let found = dictionaries.cells().iter().position(|known| *known == FINEST_CELL + cell);
                found.map(|at| u32::try_from(at + 1).expect("a code"))
            }
            Some(text) => dictionaries.code_of_text(dimension, text),
        };
        if let Some(code) = code {
            passes[code as usize] = true;
        }
    }
    passes
}

fn request(
    asked: &Asked,
    dictionaries: &Dictionaries,
    hours: (i32, i32),
    resources: usize,
) -> (CountRequest, Vec<Names>) {
    let mut filters: Vec<ColumnFilter> = Vec::new();
    for (label, wanted) in &asked.labels {
        let dimension = Dimension::LABELS[*label];
        let wanted: Vec<Option<String>> = wanted.iter().map(|label| label.map(text)).collect();
        filters.push(ColumnFilter { dimension, passes: passing_codes(dictionaries, dimension, &wanted) });
    }
    if let Some(cells) = &asked.cells {
        let wanted: Vec<Option<String>> = cells.iter().map(|cell| cell.map(|cell| cell.to_string())).collect();
        let passes = passing_codes(dictionaries, Dimension::Cell, &wanted);
        filters.push(ColumnFilter { dimension: Dimension::Cell, passes });
    }
    let (mut keys, mut names) = (Vec::new(), Vec::new());
    for by in &asked.by {
        let column = |dimension: Dimension, group_of_code: Vec<u32>, values: Vec<Value>| {
            (GroupKey::Column { dimension, group_of_code, groups: values.len() }, Names::Of(values))
        };
        let numbers = |count: usize| {
            let known = (0..count).map(|n| Value::Known(format!("{n:020}")));
            Names::Of(known.chain([Value::Null]).collect())
        };
        let buckets = |interval: Interval| {
            let buckets = TimeBuckets::new(interval, hours, |micros| bucket(*by, micros.div_euclid(MICROS_PER_HOUR)));
            (GroupKey::Time(buckets.clone()), Names::Buckets(buckets))
        };
        let (key, name) = match by {
            By::Resource => (GroupKey::Resource { groups: resources }, numbers(resources)),
            By::Cell => {
                let groups = dictionaries.parents_in_order(5, |cell| (cell - FINEST_CELL) / 10);
                let values =
                    groups.values.iter().map(|cell| cell.map_or(Value::Null, |n| Value::Known(format!("{n:020}"))));
                column(Dimension::Cell, groups.of_code.clone(), values.collect())
            }
            By::Label(label) => {
                let dimension = Dimension::LABELS[*label];
                let mut groups = dictionaries.texts_in_order(dimension).expect("texts").as_ref().clone();
                let of_label =
                    filters.iter().filter(|filter| filter.dimension == dimension).map(|filter| &filter.passes);
                let both = |a: Vec<bool>, b: &Vec<bool>| a.iter().zip(b).map(|(a, b)| *a && *b).collect();
                if let Some(passes) = of_label.cloned().reduce(|a, b| both(a, &b)) {
                    groups = groups.retain(&passes);
                }
                let values =
                    groups.values.iter().map(|text| text.as_ref().map_or(Value::Null, |t| Value::Known(t.to_string())));
                column(dimension, groups.of_code.clone(), values.collect())
            }
            By::Minutes => {
                let buckets = TimeBuckets::within_hours(15 * 60 * 1_000_000, hours);
                (GroupKey::Time(buckets.clone()), Names::Buckets(buckets))
            }
            By::Hours => buckets(Interval::Hour),
            By::Days | By::Weeks => buckets(Interval::Day),
            By::Months => buckets(Interval::Month),
            By::Years => buckets(Interval::Year),
            By::HourOfDay => (GroupKey::HourOfDay, numbers(24)),
            By::DayOfWeek => (GroupKey::DayOfWeek, numbers(7)),
        };
        keys.push(key);
        names.push(name);
    }
    let instant = |hour: Option<i64>, micros| {
        let whole = |hour: i64| Instant { hour: i32::try_from(hour).expect("an hour"), micros };
        hour.map(whole)
    };
    let places = asked.place.map(|place| {
        let of_cells = dictionaries.cells().iter().map(|cell| overlap(place, *cell - FINEST_CELL));
        let cells = std::iter::once(CellOverlap::Outside).chain(of_cells).collect();
        PlaceFilter { cells, contains: Arc::new(move |latitude, longitude| is_inside(place, latitude, longitude)) }
    });
    fn of<const N: usize>(wanted: &Option<Vec<u8>>) -> Option<[bool; N]> {
        wanted.as_ref().map(|wanted| std::array::from_fn(|n| wanted.iter().any(|w| usize::from(*w) == n)))
    }
    let request = CountRequest {
        keys,
        filters,
        from: instant(asked.window.0, asked.window_micros.0),
        to: instant(asked.window.1, asked.window_micros.1),
        dated: asked.dated,
        hours_of_day: of(&asked.hours),
        days_of_week: of(&asked.days),
        places,
    };
    (request, names)
}

enum Names {
    Of(Vec<Value>),
    Buckets(TimeBuckets),
}

fn read(counted: &CountedGroups, names: &[Names]) -> Vec<(Vec<Value>, i64)> {
    let mut rows: Vec<(Vec<Value>, i64)> = counted.counts().map(|count| (Vec::new(), count)).collect();
    for (key, names) in names.iter().enumerate() {
        for (group, row) in counted.groups_of(key).zip(&mut rows) {
            row.0.push(match names {
                Names::Of(values) => values[group].clone(),
                Names::Buckets(buckets) => {
                    buckets.start(group).map_or(Value::Null, |n| Value::Known(format!("{n:020}")))
                }
            });
        }
    }
    rows
}

fn check(asked: &Asked, resources: &[Vec<Row>], held: Held) {
    let dictionaries = Arc::new(SharedDictionaries::default());
    let segments: Vec<Arc<Segment>> =
        resources.iter().map(|rows| segment(&dictionaries, rows, held == Held::WithPoints)).collect();
    let dictionaries = dictionaries.current();
    let hours = segments.iter().filter_map(|segment| segment.hours()).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    let first = i32::try_from(FIRST_HOUR).expect("an hour");
    let (request, names) = request(asked, &dictionaries, hours.unwrap_or((first, first)), segments.len());
    let levels = segments.iter().enumerate().map(|(resource, segment)| SegmentOfResource {
        resource,
        levels: {
            let rollups = (held == Held::RolledUp).then(|| Rollups::new(segment, request.dimensions()));
            SegmentLevels::new(Arc::clone(segment), rollups.as_ref())
        },
    });
    let counted = count_groups(&request, &levels.collect::<Vec<_>>(), asked.limit, 1 << 20, &NEVER).expect("counts");
    let mut expected = count_plainly(asked, resources);
    assert_eq!(counted.truncated, expected.len() > asked.limit, "{asked:?}");
    expected.truncate(asked.limit);
    assert_eq!(read(&counted, &names), expected, "{held:?}, {asked:?}");
}

proptest! {
    #[test]
    fn segments_and_their_rollups_count_what_the_rows_are(
        asked in asked(false),
        resources in vec(vec(row(), 0..400), 1..4),
    ) {
        check(&asked, &resources, Held::ByHour);
        check(&asked, &resources, Held::RolledUp);
    }

    #[test]
    fn segments_with_points_count_exact_times_and_places(
        asked in asked(true),
        resources in vec(vec(row(), 0..400), 1..4),
    ) {
        check(&asked, &resources, Held::WithPoints);
    }
}

#[test]
fn a_count_of_many_groups_or_without_the_points_it_needs_is_given_up() {
    let rows = (0..300).map(|n| Row {
        hour: Some(FIRST_HOUR + n),
        cell: Some(n),
        labels: [None; 4],
        count: 1,
        micros: 0,
        offset: (0.0, 0.0),
    });
    let dictionaries = Arc::new(SharedDictionaries::default());
    let segment = segment(&dictionaries, &rows.collect::<Vec<_>>(), false);
    let dictionaries = dictionaries.current();
    let cells = dictionaries.parents_in_order(10, |cell| cell);
    let groups = cells.values.len();
    let of_code = cells.of_code.clone();
    let hour = |n: i64| i32::try_from(FIRST_HOUR + n).expect("an hour");
    let buckets = TimeBuckets::new(Interval::Hour, (hour(0), hour(299)), |micros| micros);
    let request = CountRequest {
        keys: vec![
            GroupKey::Column { dimension: Dimension::Cell, group_of_code: of_code, groups },
            GroupKey::Time(buckets),
        ],
        ..CountRequest::default()
    };
    let segments = [SegmentOfResource { resource: 0, levels: SegmentLevels::new(segment, None) }];
    let from = Some(Instant { hour: hour(0), micros: 1 });
    let within_hour = CountRequest { from, ..request.clone() };
    assert_eq!(count_groups(&within_hour, &segments, usize::MAX, 300, &NEVER), Err(CountError::NoPoints));
    assert!(count_groups(&request, &segments, usize::MAX, 299, &NEVER).is_err());
    assert_eq!(count_groups(&request, &segments, usize::MAX, 300, &NEVER).expect("counts").counts().len(), 300);
}

#[test]
fn counts_that_are_no_hours_or_too_great_are_refused() {
    let row =
        Row { hour: Some(FIRST_HOUR), cell: None, labels: [None; 4], count: i64::MAX, micros: 0, offset: (0.0, 0.0) };
    let mut builder = SegmentBuilder::new(Arc::default());
    assert!(builder.add(&batch(std::slice::from_ref(&row), false)).is_err());
    let minutes: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![MICROS_PER_HOUR / 2]));
    let right = batch(&[Row { count: 1, ..row }], false);
    let schema = right.schema();
    let columns =
        schema.fields().iter().zip(right.columns()).skip(1).map(|(field, column)| (field.name(), Arc::clone(column)));
    let time = "occurred_at".to_owned();
    let wrong = RecordBatch::try_from_iter([(&time, minutes)].into_iter().chain(columns)).expect("a batch");
    assert!(SegmentBuilder::new(Arc::default()).add(&wrong).is_err());
    assert_eq!(hour_of_micros(MICROS_PER_HOUR / 2), None);
}
