//! From the text of an export's cell to the value a SODA portal serves.

use serde_json::{Value, json};

/// The text of a legacy location without an address.
const NO_ADDRESS: &str = r#"{"address": "", "city": "", "state": "", "zip": ""}"#;

/// Converts the text of a cell that is not empty; `None` if it is not of that type.
pub(super) fn from_text(kind: &str, text: &str) -> Option<Value> {
    match kind {
        "text" | "number" => Some(Value::from(text)),
        "checkbox" => match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        "calendar_date" => timestamp(text).map(Value::from),
        "point" => {
            let (lat, lng) = lat_lng(text)?;
            let (lat, lng): (f64, f64) = (lat.parse().ok()?, lng.parse().ok()?);
            Some(json!({"type": "Point", "coordinates": [lng, lat]}))
        }
        "location" => {
            let (lat, lng) = lat_lng(text)?;
            Some(json!({"latitude": lat, "longitude": lng, "human_address": NO_ADDRESS}))
        }
        "url" => Some(json!({"url": text})),
        _ => None,
    }
}

/// Parses latitude and longitude of `(lat, lng)` or `POINT (lng lat)`, as published.
fn lat_lng(text: &str) -> Option<(&str, &str)> {
    if let Some(pair) = text.strip_prefix("POINT (") {
        let (lng, lat) = pair.strip_suffix(')')?.split_once(' ')?;
        return Some((lat, lng));
    }
    text.strip_prefix('(')?.strip_suffix(')')?.split_once(", ")
}

/// Parses `M/D/YYYY` or `YYYY/M/D`, alone or with `H:MM`, `H:MM:SS`, on a clock of 24 hours or, with `AM` or `PM`, of
/// 12.
fn timestamp(text: &str) -> Option<String> {
    let mut words = text.split(' ');
    let date: Vec<&str> = words.next()?.split('/').collect();
    let [first, second, third] = date.as_slice() else {
        return None;
    };
    let (year, month, day) = if first.len() == 4 { (first, second, third) } else { (third, first, second) };
    let (year, month, day) = (number(year, 9999)?, number(month, 12)?, number(day, 31)?);
    let (mut hour, minute, second) = match words.next() {
        None => (0, 0, 0),
        Some(clock) => clock_parts(clock)?,
    };
    match words.next() {
        None => {}
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour %= 12,
        Some("PM") => hour = hour % 12 + 12,
        Some(_) => return None,
    }
    let rest = words.next();
    rest.is_none().then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000"))
}

fn clock_parts(clock: &str) -> Option<(u32, u32, u32)> {
    let parts: Vec<&str> = clock.split(':').collect();
    match parts.as_slice() {
        [hour, minute] => Some((number(hour, 23)?, number(minute, 59)?, 0)),
        [hour, minute, second] => Some((number(hour, 23)?, number(minute, 59)?, number(second, 59)?)),
        _ => None,
    }
}

fn number(text: &str, most: u32) -> Option<u32> {
    text.parse().ok().filter(|&number| number <= most)
}

#[cfg(test)]
mod tests {
    use super::{from_text, timestamp};
    use serde_json::json;

    #[test]
    fn every_way_to_write_a_time_becomes_one() {
        for (text, expected) in [
            ("06/29/2019 09:48:00 PM", "2019-06-29T21:48:00.000"),
            ("11/05/2012 05:00 AM", "2012-11-05T05:00:00.000"),
            ("2018/12/01 12:25:00 AM", "2018-12-01T00:25:00.000"),
            ("12/15/2005 12:52", "2005-12-15T12:52:00.000"),
            ("5/4/2025 2:20", "2025-05-04T02:20:00.000"),
            ("04/07/2020", "2020-04-07T00:00:00.000"),
            ("2014/03/20 12:00:00 PM", "2014-03-20T12:00:00.000"),
        ] {
            assert_eq!(timestamp(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_no_time_is_none() {
        for text in ["", "soon", "13/40/2019", "06/29/2019 13:00 PM", "06/29/2019 1:00 PM x"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }

    #[test]
    fn both_ways_to_write_a_point_become_geojson() {
        let expected = Some(json!({"type": "Point", "coordinates": [-122.5, 37.75]}));
        assert_eq!(from_text("point", "(37.75, -122.5)"), expected);
        assert_eq!(from_text("point", "POINT (-122.5 37.75)"), expected);
        assert_eq!(from_text("point", "nowhere"), None);
    }

    #[test]
    fn a_number_keeps_the_digits_it_was_published_with() {
        assert_eq!(from_text("number", "37.725475650181380"), Some(json!("37.725475650181380")));
    }
}
