//! A random question, in three languages: the parameters of `/aggregates`, SQL, and a plain fold.

use std::collections::BTreeMap;

use lake_testkit::oracle::{Incident, parent_cell, time};
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::Value;

use super::answer::Line;
use super::form;

const LABELS: [&str; 4] = ["category", "subcategory", "district", "neighborhood"];
const DIMENSIONS: [&str; 9] =
    ["resource", "cell", "time", "category", "subcategory", "district", "neighborhood", "hour", "weekday"];
const PRECISIONS: [&str; 9] = ["1m", "15m", "1h", "6h", "12h", "24h", "1w", "1mo", "1y"];

/// A resource and what is published of it.
pub(super) struct Source {
    pub(super) resource: &'static str,
    /// The columns of the labels.
    pub(super) columns: [&'static str; 4],
    pub(super) incidents: Vec<Incident>,
}

/// The expected properties of an answer.
pub(super) struct Expected {
    pub(super) rows: Vec<Line>,
    pub(super) truncated: bool,
}

#[derive(Debug)]
enum Place {
    Anywhere,
    /// West, south, east, north.
    Box([f64; 4]),
    /// Latitude, longitude, metres.
    Near([f64; 3]),
    /// Three corners, longitude and latitude, counter-clockwise.
    Triangle([[f64; 2]; 3]),
    Cells(Vec<String>),
}

/// The selected values of a label: included and excluded ones; `None` means no value.
#[derive(Debug, Default)]
struct Choice {
    wanted: Vec<Option<String>>,
    unwanted: Vec<Option<String>>,
}

#[derive(Debug)]
pub(super) struct Question {
    resources: Vec<&'static str>,
    labels: [Choice; 4],
    start: Option<String>,
    end: Option<String>,
    hours: Vec<i64>,
    weekdays: Vec<i64>,
    dated: Option<bool>,
    located: Option<bool>,
    place: Place,
    group_by: Vec<&'static str>,
    resolution: u8,
    precision: &'static str,
    limit: usize,
}

/// Returns an instant in the years of the rows, on the day, the hour, the minute or the second.
pub(super) fn instant(random: &mut StdRng) -> String {
    let date = format!(
        "20{}-{:02}-{:02}",
        random.random_range(21..=26),
        random.random_range(1..=12),
        random.random_range(1..=28)
    );
    let (hour, minute, second) = (random.random_range(0..24), random.random_range(0..60), random.random_range(0..60));
    match random.random_range(0..4) {
        0 => date,
        1 => format!("{date}T{hour:02}:00"),
        2 => format!("{date}T{hour:02}:{minute:02}"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
    }
}

/// Returns the parent of a cell in hexadecimal.
pub(super) fn parent(cell: &str, resolution: u8) -> String {
    parent_cell(cell, resolution)
}

fn label(source: &Source, incident: &Incident, n: usize) -> Option<String> {
    match incident.row.get(source.columns[n])? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn point(random: &mut StdRng) -> (f64, f64) {
    let part = |random: &mut StdRng, low: f64, high: f64| {
        // Few digits, so that every language reads the same number.
        (random.random_range(low..high) * 10_000.0).round() / 10_000.0
    };
    (part(random, 37.70, 37.82), part(random, -122.52, -122.36))
}

impl Question {
    pub(super) fn random(sources: &[Source], random: &mut StdRng) -> Self {
        let some = |random: &mut StdRng| {
            let source = sources.choose(random).expect("sources");
            (source, source.incidents.choose(random).expect("incidents"))
        };
        let labels = [0, 1, 2, 3].map(|n| {
            let mut values = |likely: f64| {
                let many = if random.random_bool(likely) { random.random_range(1..5) } else { 0 };
                (0..many)
                    .map(|_| {
                        let (source, incident) = some(random);
                        label(source, incident, n).filter(|_| random.random_bool(0.85))
                    })
                    .collect()
            };
            Choice { wanted: values(0.15), unwanted: values(0.12) }
        });
        let place = match random.random_range(0..10) {
            0 => {
                let ((south, west), (north, east)) = (point(random), point(random));
                Place::Box([west.min(east), south.min(north), west.max(east), south.max(north)])
            }
            1 => {
                let (latitude, longitude) = point(random);
                Place::Near([latitude, longitude, f64::from(random.random_range(300..5_000))])
            }
            2 => {
                let corners = [0; 3].map(|_| point(random)).map(|(latitude, longitude)| [longitude, latitude]);
                let [a, b, c] = corners;
                let left = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]) > 0.0;
                Place::Triangle(if left { [a, b, c] } else { [a, c, b] })
            }
            3 => {
                let many = random.random_range(1..4);
                let cells = (0..many).filter_map(|_| some(random).1.cell(random.random_range(4..=10)));
                Place::Cells(cells.collect())
            }
            _ => Place::Anywhere,
        };
        let mut times = [instant(random), instant(random)];
        times.sort();
        let [start, end] = times;
        let windows = start != end && time::parse(&start) != time::parse(&end);
        let many = random.random_range(0..=3);
        let group_by = DIMENSIONS.sample(random, many).copied().collect();
        let numbers = |random: &mut StdRng, low: i64, high: i64| -> Vec<i64> {
            let many = if random.random_bool(0.12) { random.random_range(1..4) } else { 0 };
            (0..many).map(|_| random.random_range(low..=high)).collect()
        };
        let maybe = |random: &mut StdRng| random.random_bool(0.1).then(|| random.random_bool(0.6));
        Self {
            resources: match random.random_range(0..4) {
                0 => vec![sources[0].resource],
                1 => vec![sources[1].resource],
                2 => sources.iter().map(|source| source.resource).collect(),
                _ => Vec::new(),
            },
            labels,
            start: Some(start).filter(|_| windows && random.random_bool(0.4)),
            end: Some(end).filter(|_| windows && random.random_bool(0.4)),
            hours: numbers(random, 0, 23),
            weekdays: numbers(random, 1, 7),
            dated: maybe(random),
            located: maybe(random),
            place,
            group_by,
            resolution: random.random_range(0..=10),
            precision: PRECISIONS.choose(random).copied().expect("precisions"),
            limit: if random.random_bool(0.4) { random.random_range(1..40) } else { 100_000 },
        }
    }

    /// Returns the path of `/aggregates`, without a format.
    pub(super) fn path(&self) -> String {
        let mut parts: Vec<String> = self.resources.iter().map(|name| format!("resource={name}")).collect();
        for (name, choice) in LABELS.iter().zip(&self.labels) {
            let text = |value: &Option<String>| form(value.as_deref().unwrap_or_default());
            parts.extend(choice.wanted.iter().map(|value| format!("{name}={}", text(value))));
            parts.extend(choice.unwanted.iter().map(|value| format!("{name}!={}", text(value))));
        }
        parts.extend(self.start.iter().map(|at| format!("start_time={at}")));
        parts.extend(self.end.iter().map(|at| format!("end_time={at}")));
        parts.extend(self.hours.iter().map(|hour| format!("hour={hour}")));
        parts.extend(self.weekdays.iter().map(|day| format!("weekday={day}")));
        parts.extend(self.dated.map(|yes| format!("dated={yes}")));
        parts.extend(self.located.map(|yes| format!("located={yes}")));
        match &self.place {
            Place::Anywhere => {}
            Place::Box([west, south, east, north]) => parts.push(format!("bbox={west},{south},{east},{north}")),
            Place::Near([latitude, longitude, metres]) => parts.push(format!("near={latitude},{longitude},{metres}")),
            Place::Triangle([a, b, c]) => {
                let polygon = serde_json::json!({"type": "Polygon", "coordinates": [[a, b, c, a]]}).to_string();
                parts.push(format!("polygon={}", form(&polygon)));
            }
            Place::Cells(cells) => parts.extend(cells.iter().map(|cell| format!("cell={cell}"))),
        }
        parts.push(format!("group_by={}", self.group_by.join(",")));
        parts.push(format!("geo_precision={}", self.resolution));
        parts.push(format!("time_precision={}", self.precision));
        parts.push(format!("limit={}", self.limit));
        format!("/aggregates?{}", parts.join("&"))
    }

    /// Returns the same in SQL, over the incidents.
    pub(super) fn sql(&self) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let mut tests: Vec<String> = Vec::new();
        if !self.resources.is_empty() {
            let names: Vec<String> = self.resources.iter().map(|name| quoted(name)).collect();
            tests.push(format!("resource IN ({})", names.join(", ")));
        }
        for (name, choice) in LABELS.iter().zip(&self.labels) {
            let any = |values: &[Option<String>]| {
                let one = |value: &Option<String>| match value {
                    None => format!("{name} IS NULL"),
                    Some(text) => format!("({name} IS NOT NULL AND {name} = {})", quoted(text)),
                };
                values.iter().map(one).collect::<Vec<_>>().join(" OR ")
            };
            if !choice.wanted.is_empty() {
                tests.push(format!("({})", any(&choice.wanted)));
            }
            if !choice.unwanted.is_empty() {
                tests.push(format!("NOT ({})", any(&choice.unwanted)));
            }
        }
        let listed = |numbers: &[i64]| numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        let hour = "CAST(date_part('hour', occurred_at) AS INT)";
        let weekday = "CAST((date_part('dow', occurred_at) + 6) % 7 + 1 AS INT)";
        tests.extend(self.start.iter().map(|at| format!("occurred_at >= TIMESTAMP '{}'", full(at))));
        tests.extend(self.end.iter().map(|at| format!("occurred_at < TIMESTAMP '{}'", full(at))));
        if !self.hours.is_empty() {
            tests.push(format!("{hour} IN ({})", listed(&self.hours)));
        }
        if !self.weekdays.is_empty() {
            tests.push(format!("{weekday} IN ({})", listed(&self.weekdays)));
        }
        let there = |column: &str, yes: bool| format!("{column} IS {}NULL", if yes { "NOT " } else { "" });
        tests.extend(self.dated.map(|yes| there("occurred_at", yes)));
        tests.extend(self.located.map(|yes| there("cell", yes)));
        match &self.place {
            Place::Anywhere => {}
            Place::Box([west, south, east, north]) => tests.push(format!(
                "longitude BETWEEN {west} AND {east} AND latitude BETWEEN {south} AND {north}"
            )),
            Place::Near([latitude, longitude, metres]) => tests.push(format!(
                "2 * 6371008.8 * asin(sqrt(power(sin(radians(latitude - {latitude}) / 2), 2) + cos(radians({latitude})) \
                 * cos(radians(latitude)) * power(sin(radians(longitude - ({longitude})) / 2), 2))) <= {metres}"
            )),
            Place::Triangle([a, b, c]) => {
                for (from, to) in [(a, b), (b, c), (c, a)] {
                    tests.push(format!(
                        "({} - ({})) * (latitude - {}) - (longitude - ({})) * ({} - {}) >= 0",
                        to[0], from[0], from[1], from[0], to[1], from[1]
                    ));
                }
            }
            Place::Cells(cells) => {
                let test = |cell: &String| {
                    let resolution = i64::from_str_radix(cell, 16).expect("a cell") >> 52 & 0xF;
                    format!("h3_h3_to_string(h3_cell_to_parent(cell, {resolution})) = '{cell}'")
                };
                // Without a cell none is asked for.
                if !cells.is_empty() {
                    tests.push(format!("({})", cells.iter().map(test).collect::<Vec<_>>().join(" OR ")));
                }
            }
        }
        let columns: Vec<(String, &str)> = self
            .group_by
            .iter()
            .map(|dimension| match *dimension {
                "cell" => (format!("h3_cell_to_parent(cell, {})", self.resolution), "cell"),
                "time" => (bucket(self.precision), "occurred_at"),
                "hour" => (hour.to_owned(), "hour"),
                "weekday" => (weekday.to_owned(), "weekday"),
                label => (label.to_owned(), label),
            })
            .collect();
        let shown: String = columns.iter().map(|(value, name)| format!("{value} AS {name}, ")).collect();
        let condition = if tests.is_empty() { "TRUE".to_owned() } else { tests.join(" AND ") };
        let mut sql = format!("SELECT {shown}COUNT(*) AS count FROM incidents WHERE {condition}");
        if !columns.is_empty() {
            let numbers: Vec<String> = (1..=columns.len()).map(|n| n.to_string()).collect();
            let order: Vec<String> = numbers.iter().map(|n| format!("{n} ASC NULLS LAST")).collect();
            sql = format!("{sql} GROUP BY {} ORDER BY {}", numbers.join(", "), order.join(", "));
        }
        format!("{sql} LIMIT {}", self.limit)
    }

    /// Returns the same by a plain fold.
    pub(super) fn fold(&self, sources: &[Source]) -> Expected {
        let mut counts: BTreeMap<Vec<Key>, i64> = BTreeMap::new();
        if self.group_by.is_empty() {
            counts.insert(Vec::new(), 0);
        }
        let asked = |source: &&Source| self.resources.is_empty() || self.resources.contains(&source.resource);
        for source in sources.iter().filter(asked) {
            for incident in source.incidents.iter().filter(|incident| self.holds(source, incident)) {
                let key = self.group_by.iter().map(|dimension| self.key(dimension, source, incident)).collect();
                *counts.entry(key).or_default() += 1;
            }
        }
        let truncated = counts.len() > self.limit;
        let line = |(key, count): (Vec<Key>, i64)| -> Line {
            let members = self.group_by.iter().zip(key).map(|(dimension, key)| {
                let name = if *dimension == "time" { "occurred_at" } else { *dimension };
                (name.to_owned(), key.text())
            });
            members.chain([("count".to_owned(), Some(count.to_string()))]).collect()
        };
        Expected { rows: counts.into_iter().take(self.limit).map(line).collect(), truncated }
    }

    fn holds(&self, source: &Source, incident: &Incident) -> bool {
        let chosen = self.labels.iter().enumerate().all(|(n, choice)| {
            let own = label(source, incident, n);
            (choice.wanted.is_empty() || choice.wanted.contains(&own)) && !choice.unwanted.contains(&own)
        });
        let read = |at: &String| time::parse(at).expect("a time");
        let after = self.start.as_ref().is_none_or(|start| incident.at.is_some_and(|at| at >= read(start)));
        let before = self.end.as_ref().is_none_or(|end| incident.at.is_some_and(|at| at < read(end)));
        let number = |numbers: &[i64], of: fn(i64) -> i64| {
            numbers.is_empty() || incident.at.is_some_and(|at| numbers.contains(&of(at)))
        };
        chosen
            && after
            && before
            && number(&self.hours, time::hour_of_day)
            && number(&self.weekdays, time::weekday)
            && self.dated.is_none_or(|yes| incident.at.is_some() == yes)
            && self.located.is_none_or(|yes| incident.place.is_some() == yes)
            && self.lies_there(incident)
    }

    fn lies_there(&self, incident: &Incident) -> bool {
        let at = |test: &dyn Fn(f64, f64) -> bool| incident.place.is_some_and(|(y, x)| test(y, x));
        match &self.place {
            Place::Anywhere => true,
            Place::Box([west, south, east, north]) => {
                at(&|y, x| *west <= x && x <= *east && *south <= y && y <= *north)
            }
            Place::Near([latitude, longitude, metres]) => at(&|y, x| {
                // By the angle between the two directions from the Earth's centre.
                let direction = |y: f64, x: f64| {
                    let (y, x) = (y.to_radians(), x.to_radians());
                    [y.cos() * x.cos(), y.cos() * x.sin(), y.sin()]
                };
                let (a, b) = (direction(*latitude, *longitude), direction(y, x));
                let chord: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                2.0 * 6_371_008.8 * (chord / 2.0).asin() <= *metres
            }),
            Place::Triangle(corners) => at(&|y, x| {
                (0..3).all(|n| {
                    let (from, to) = (corners[n], corners[(n + 1) % 3]);
                    (to[0] - from[0]) * (y - from[1]) - (x - from[0]) * (to[1] - from[1]) >= 0.0
                })
            }),
            Place::Cells(cells) => {
                let within = |cell: &String| {
                    let resolution = i64::from_str_radix(cell, 16).expect("a cell") >> 52 & 0xF;
                    incident.cell(u8::try_from(resolution).expect("a resolution")).as_ref() == Some(cell)
                };
                cells.is_empty() || cells.iter().any(within)
            }
        }
    }

    fn key(&self, dimension: &str, source: &Source, incident: &Incident) -> Key {
        let bucket = |at: i64| match self.precision {
            "1y" => format!("{}-01-01T00:00:00", time::year(at)),
            "1mo" => format!("{}-01T00:00:00", time::month(at)),
            "1w" => format!("{}T00:00:00", time::week_start(at)),
            "24h" => format!("{}T00:00:00", time::day(at)),
            shorter => time::bucket(at, seconds(shorter)),
        };
        match dimension {
            "resource" => Key::of_text(Some(source.resource.to_owned())),
            "cell" => Key::of_text(incident.cell(self.resolution)),
            "time" => Key::of_text(incident.at.map(bucket)),
            "hour" => Key::of_number(incident.at.map(time::hour_of_day)),
            "weekday" => Key::of_number(incident.at.map(time::weekday)),
            name => {
                let n = LABELS.iter().position(|label| *label == name).expect("a label");
                Key::of_text(label(source, incident, n))
            }
        }
    }
}

/// A value in the order of answers: what is absent comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i64),
    Text(String),
    Absent,
}

impl Key {
    fn of_text(text: Option<String>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }

    fn of_number(number: Option<i64>) -> Self {
        number.map_or(Self::Absent, Self::Number)
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text),
            Self::Absent => None,
        }
    }
}

fn seconds(precision: &str) -> i64 {
    match precision {
        "1m" => 60,
        "15m" => 900,
        "1h" => 3_600,
        "6h" => 21_600,
        _ => 43_200,
    }
}

/// Returns the bucket of `occurred_at` in SQL.
fn bucket(precision: &str) -> String {
    let unit = match precision {
        "1y" => "year",
        "1mo" => "month",
        "1w" => "week",
        "24h" => "day",
        shorter => {
            let seconds = seconds(shorter);
            return format!(
                "CAST(date_bin(INTERVAL '{seconds} seconds', occurred_at, TIMESTAMP '1970-01-01T00:00:00') AS TIMESTAMP(6))"
            );
        }
    };
    format!("CAST(date_trunc('{unit}', occurred_at) AS TIMESTAMP(6))")
}

/// Completes a time to the second.
fn full(at: &str) -> String {
    match at.len() {
        10 => format!("{at}T00:00:00"),
        16 => format!("{at}:00"),
        _ => at.to_owned(),
    }
}
