//! The forms in which one row can be served: columns in any order, white space, numbers and times in any style, JSON or
//! CSV. None of them is a change. The rows are drawn from a seed (`HOTSPOTS_SEED` draws others), and rendered by code
//! that shares none with the program.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::harness::{DEFAULT_SEED, requested_seed};
use crate::portal::files::Files;

const RESOURCE: &str = r#"
name = "city-calls"
title = "Calls"
portal = "https://data.example.org"
dataset = "aaaa-bbbb"
city = "Example"
zone = "America/Los_Angeles"
cadence = "1h"
key = ["call", "unit"]
volatile = ["loaded_at"]

[roles]
occurred_at = "seen_at"
closed_at = "closed_at"
category = "kind_of_call_"
district = "district"
point = "place"

[bounds]
west = -123.0
south = 37.0
east = -122.0
north = 38.0

[columns]
call = "integer"
unit = "text"
seen_at = { type = "timestamp", aliases = ["opened", "opened_at"] }
closed_at = "timestamp"
kind_of_call_ = { type = "text", aliases = ["kind"] }
district = { type = "number", aliases = ["area"] }
urgent = "boolean"
notes = "text"
amount = "number"
place = { type = "point", aliases = ["location"] }
photo = "text"
loaded_at = "timestamp"
"#;

const ROWS: usize = 120;

/// The content of one row, without a form.
struct Call {
    call: i64,
    unit: String,
    /// Seconds since 2020-01-01T00:00.
    seen_at: Option<i64>,
    closed_at: Option<i64>,
    kind: Option<&'static str>,
    district: Option<i64>,
    urgent: Option<bool>,
    notes: Option<&'static str>,
    /// In quarters.
    amount: Option<i64>,
    /// Longitude and latitude as published.
    place: Option<(String, String)>,
    photo: Option<String>,
    /// Unusable, and so kept as it is.
    odd: bool,
}

fn calls(random: &mut StdRng) -> Vec<Call> {
    const KINDS: [&str; 4] = ["Noise", "Graffiti", "Encampment, small", "Ölspur \"A\""];
    const NOTES: [&str; 6] =
        ["two lines\nand more", "007", "7", "1.50", "a \\ b \"c\" é \u{1f697}", "{\"not\": \"an object\"}"];
    let some = |random: &mut StdRng| random.random_bool(0.8);
    (0..ROWS)
        .map(|n| Call {
            call: 16_500_000_000 + i64::try_from(n).unwrap(),
            unit: format!("E{:02}", random.random_range(1..9)),
            seen_at: some(random).then(|| random.random_range(0..200_000_000)),
            closed_at: some(random).then(|| random.random_range(0..200_000_000) / 86_400 * 86_400),
            kind: some(random).then(|| KINDS[random.random_range(0..KINDS.len())]),
            district: some(random).then(|| random.random_range(-3..12)),
            urgent: some(random).then(|| random.random_bool(0.5)),
            notes: some(random).then(|| NOTES[random.random_range(0..NOTES.len())]),
            amount: some(random).then(|| random.random_range(-40_000..40_000)),
            place: some(random).then(|| {
                let digits = random.random_range(3..16_u32);
                let mut fraction = || random.random_range(1..10_u64.pow(digits));
                (
                    format!("-122.{:0w$}", fraction(), w = digits as usize),
                    format!("37.{:0w$}", fraction(), w = digits as usize),
                )
            }),
            photo: some(random).then(|| format!("https://photos.example.org/{n}?a=1&b=2")),
            odd: random.random_bool(0.1),
        })
        .collect()
}

/// Returns a day as year, month and day, by counting.
fn calendar(mut days: i64) -> (i64, i64, i64) {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 2020;
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

/// Returns a time in one of the styles of SODA and of exports.
fn time(seconds: i64, style: usize) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let ((y, m, d), of_day) = (calendar(seconds / 86_400), seconds % 86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let (half, name) = (if hour % 12 == 0 { 12 } else { hour % 12 }, MONTHS[usize::try_from(m).unwrap() - 1]);
    let noon = if hour < 12 { "AM" } else { "PM" };
    match style % 10 {
        0 => format!("{y}-{m:02}-{d:02}T{hour:02}:{minute:02}:{second:02}.000"),
        1 => format!("{y}-{m:02}-{d:02}T{hour:02}:{minute:02}:{second:02}"),
        2 => format!("{y}-{m:02}-{d:02} {hour:02}:{minute:02}:{second:02}.000000"),
        3 => format!("{y}-{m:02}-{d:02}T{hour:02}:{minute:02}:{second:02}.000Z"),
        4 => format!("{m:02}/{d:02}/{y} {half:02}:{minute:02}:{second:02} {noon}"),
        5 => format!("{y}/{m:02}/{d:02} {half:02}:{minute:02}:{second:02} {noon}"),
        6 => format!("{y} {} {d:02} {half:02}:{minute:02}:{second:02} {noon}", &name[..3]),
        7 => format!("{name} {d}, {y} {half}:{minute:02}:{second:02} {}", noon.to_lowercase()),
        8 => format!("{d} {name} {y} {hour:02}:{minute:02}:{second:02}"),
        _ => format!("{m}/{d}/{y} {hour}:{minute:02}:{second:02}"),
    }
}

/// How rows are rendered: the first form is as SODA serves them, the others at random.
struct Form<'r> {
    random: Option<&'r mut StdRng>,
}

impl Form<'_> {
    fn any(&mut self, of: usize) -> usize {
        self.random.as_mut().map_or(0, |random| random.random_range(0..of))
    }

    fn space(&mut self) -> &'static str {
        ["", "", " ", "\t", "\n  "][self.any(5)]
    }

    fn text(&mut self, text: &str) -> String {
        let escaped = |c: char| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>()
        };
        match self.any(2) {
            0 => Value::from(text).to_string(),
            _ => format!("\"{}\"", text.chars().map(escaped).collect::<String>()),
        }
    }

    /// Formats an integer, as a text or as one of the numbers of JSON.
    fn whole(&mut self, n: i64) -> String {
        match self.any(5) {
            0 => format!("\"{n}\""),
            1 => n.to_string(),
            2 => format!("{n}.0"),
            3 => format!("\"{n}.00000000\""),
            _ => format!("{n}e0"),
        }
    }

    /// Returns a number of quarters.
    fn quarters(&mut self, quarters: i64) -> String {
        let (sign, whole, cents) = (if quarters < 0 { "-" } else { "" }, quarters.abs() / 4, quarters.abs() % 4 * 25);
        match self.any(5) {
            0 => format!("\"{sign}{whole}.{cents:02}\""),
            1 => format!("{sign}{whole}.{cents:02}"),
            2 => format!("{sign}{}e-2", whole * 100 + cents),
            3 => format!("\"{sign}{whole}.{cents:02}000\""),
            _ => format!("\"{sign}${whole}.{cents:02}\""),
        }
    }

    fn object(&mut self, mut members: Vec<(String, String)>) -> String {
        if let Some(random) = self.random.as_mut() {
            members.shuffle(&mut **random);
        }
        let mut text = "{".to_owned();
        for (n, (name, value)) in members.into_iter().enumerate() {
            let (before, between, behind) = (self.space(), self.space(), self.space());
            let comma = if n > 0 { "," } else { "" };
            text.push_str(&format!("{comma}{before}\"{name}\"{between}:{behind}{value}"));
        }
        text + self.space() + "}"
    }

    fn place(&mut self, longitude: &str, latitude: &str) -> String {
        let member = |name: &str, value: String| (name.to_owned(), value);
        match self.any(6) {
            0 => {
                let coordinates = format!("[{longitude},{latitude}]");
                self.object(vec![member("type", "\"Point\"".to_owned()), member("coordinates", coordinates)])
            }
            1 => {
                let coordinates = format!("[ {longitude}00 , {latitude}0 , 12.5 ]");
                self.object(vec![member("type", "\"Point\"".to_owned()), member("coordinates", coordinates)])
            }
            2 => {
                let parts = [("latitude", latitude), ("longitude", longitude)];
                self.object(parts.map(|(name, degrees)| member(name, format!("\"{degrees}\""))).to_vec())
            }
            3 => {
                let address = member("human_address", r#""{\"address\": \"1 MADE UP ST\"}""#.to_owned());
                let parts = [("latitude", latitude), ("longitude", longitude)];
                let mut members = parts.map(|(name, degrees)| member(name, degrees.to_owned())).to_vec();
                members.push(address);
                self.object(members)
            }
            4 => format!("\"POINT ({longitude} {latitude})\""),
            _ => format!("\"1 MADE UP ST (REAR)\\nEXAMPLE, CA\\n({latitude}, {longitude})\""),
        }
    }

    fn row(&mut self, call: &Call) -> String {
        let mut members: Vec<(String, String)> = Vec::new();
        let mut put = |names: &[&str], value: Option<String>, form: &mut Self| match value {
            Some(value) => {
                members.push((names[form.any(names.len())].to_owned(), value));
            }
            // Absent, null and empty are one.
            None => match form.any(3) {
                0 => {}
                1 => members.push((names[0].to_owned(), "null".to_owned())),
                _ => members.push((names[0].to_owned(), "\"\"".to_owned())),
            },
        };
        let whole = self.whole(call.call);
        put(&["call"], Some(whole), self);
        let unit = self.text(&call.unit);
        put(&["unit"], Some(unit), self);
        let seen = call.seen_at.map(|at| time(at, self.any(10))).map(|text| self.text(&text));
        put(&["seen_at", "opened", "opened_at"], seen, self);
        let closed = call.closed_at.map(|at| time(at, self.any(10))).map(|text| self.text(&text));
        put(&["closed_at"], closed, self);
        let kind = call.kind.map(|kind| self.text(kind));
        put(&["kind_of_call_", "kind"], kind, self);
        let district = call.district.map(|n| self.whole(n));
        put(&["district", "area"], district, self);
        let urgent = call.urgent.map(|urgent| match (self.any(2), urgent) {
            (0, urgent) => urgent.to_string(),
            (_, urgent) => format!("\"{urgent}\""),
        });
        put(&["urgent"], urgent, self);
        let notes = call.notes.map(|notes| match (self.any(2), notes) {
            (1, "7") => "7".to_owned(),
            (_, notes) => self.text(notes),
        });
        put(&["notes"], notes, self);
        let amount = match (call.odd, call.amount) {
            (true, _) => Some(
                self.object(vec![("is".to_owned(), "\"unknown\"".to_owned()), ("of".to_owned(), "[1,2]".to_owned())]),
            ),
            (false, amount) => amount.map(|quarters| self.quarters(quarters)),
        };
        put(&["amount"], amount, self);
        let place = call.place.as_ref().map(|(longitude, latitude)| self.place(longitude, latitude));
        put(&["place", "location"], place, self);
        let photo = call.photo.as_ref().map(|photo| match self.any(2) {
            0 => self.object(vec![("url".to_owned(), Value::from(photo.as_str()).to_string())]),
            _ => self.text(photo),
        });
        put(&["photo"], photo, self);
        members.push(("loaded_at".to_owned(), format!("\"{}\"", time(i64::try_from(self.any(9)).unwrap(), 0))));
        if self.any(2) > 0 {
            members.push(("nobody_declared".to_owned(), "{\"x\": 1}".to_owned()));
        }
        // The other name of a column with another value: the definition decides which counts.
        if members.iter().any(|(name, _)| name == "kind_of_call_") && call.kind.is_some() && self.any(2) > 0 {
            members.push(("kind".to_owned(), "\"Another\"".to_owned()));
        }
        self.object(members)
    }

    fn json(&mut self, calls: &[&Call]) -> String {
        let mut text = "[".to_owned();
        for (n, call) in calls.iter().enumerate() {
            let row = self.row(call);
            text.push_str(if n > 0 { "," } else { "" });
            text.push_str(self.space());
            text.push_str(&row);
        }
        text + "]\n"
    }

    fn csv(&mut self, calls: &[&Call]) -> String {
        let mut columns = vec![
            ("Call", 0),
            ("Unit", 1),
            ("Seen  At", 2),
            ("closed_at", 3),
            ("Kind of Call?", 4),
            ("DISTRICT", 5),
            ("Urgent", 6),
            ("Notes", 7),
            ("Amount", 8),
            ("Location", 9),
            ("Photo", 10),
        ];
        if let Some(random) = self.random.as_mut() {
            columns.shuffle(&mut **random);
        }
        let (seen, closed, end) = (self.any(10), self.any(10), ["\n", "\r\n"][self.any(2)]);
        let line = |fields: Vec<String>| fields.join(",") + end;
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut text = ["", "\u{feff}"][self.any(2)].to_owned();
        text.push_str(&line(columns.iter().map(|(title, _)| quoted(title)).collect()));
        for call in calls {
            let fields = [
                Some(call.call.to_string()),
                Some(call.unit.clone()),
                call.seen_at.map(|at| time(at, seen)),
                call.closed_at.map(|at| time(at, closed)),
                call.kind.map(str::to_owned),
                call.district.map(|n| n.to_string()),
                call.urgent.map(|urgent| urgent.to_string()),
                call.notes.map(str::to_owned),
                call.amount.map(|quarters| self.quarters(quarters).trim_matches('"').to_owned()),
                call.place.as_ref().map(|(longitude, latitude)| match self.any(2) {
                    0 => format!("POINT ({longitude} {latitude})"),
                    _ => format!("1 MADE UP ST\nEXAMPLE, CA\n({latitude}, {longitude})"),
                }),
                call.photo.clone(),
            ];
            let field = |(_, at): &(&str, usize)| fields[*at].as_deref().map(quoted).unwrap_or_default();
            text.push_str(&line(columns.iter().map(field).collect()));
        }
        text
    }
}

#[test]
fn no_form_of_a_row_is_a_change() {
    let files = Files::of(RESOURCE);
    let seed = requested_seed().unwrap_or(DEFAULT_SEED);
    let mut random = StdRng::seed_from_u64(seed);
    let calls = calls(&mut random);
    let all: Vec<&Call> = calls.iter().collect();
    // A cell of CSV holds no object.
    let plain: Vec<&Call> = calls.iter().filter(|call| !call.odd).collect();
    let first = Form { random: None }.json(&all);
    let said = files.land("first.json", first);
    assert!(said.contains(&format!("{ROWS} new, 0 changed, 0 unchanged, 0 stale, 0 rejected")), "{said}");
    let rows = "SELECT id, occurred_at, category, district, cell FROM incidents ORDER BY id";
    let incidents = files.sql(rows);
    for n in 0..24 {
        let (name, text, count) = match n % 3 {
            0 => (format!("{n}.csv"), Form { random: Some(&mut random) }.csv(&plain), plain.len()),
            _ => (format!("{n}.json"), Form { random: Some(&mut random) }.json(&all), all.len()),
        };
        let said = files.land(&name, &text);
        let unchanged = format!("0 new, 0 changed, {count} unchanged, 0 stale, 0 rejected");
        assert!(said.contains(&unchanged), "HOTSPOTS_SEED={seed}, {name}: {said}\n{text}");
    }
    assert_eq!(files.sql(rows), incidents);
}

#[test]
fn a_reject_served_in_another_form_is_the_same_reject() {
    let files = Files::of(RESOURCE);
    let forms = [
        r#"[{"unit":"E01","notes":"no key","place":{"type":"Point","coordinates":[-122.5,37.5]},"urgent":null}, 7]"#,
        r#"[ 7.0, {"place" : { "coordinates": [ -122.50, 37.5 ], "type": "Point" }, "unit": "E01", "notes": "no\u0020key" } ]"#,
    ];
    for (n, form) in forms.iter().enumerate() {
        let said = files.land(&format!("{n}.json"), form);
        assert!(said.contains("2 rejected") && said.contains(if n == 0 { "1 batches" } else { "0 batches" }), "{said}");
        let open = files.sql("SELECT COUNT(*) AS n FROM rejects WHERE state = 'open'");
        assert_eq!(open[0]["n"], 2, "{form}");
    }
    // Read again they are what they were, however often.
    for _ in 0..2 {
        let said = files.program.run(&["ingest", "city-calls", "--replay-rejects"]).success().stderr;
        assert!(said.contains("2 rejected") && said.contains("0 batches"), "{said}");
    }
}
