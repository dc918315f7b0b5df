//! The incidents to count, and the groups.

use super::{Incident, text, time};
use crate::Bounds;

/// Which incidents count. Undated ones pass no window, unlocated ones no box.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    window: Option<(i64, i64)>,
    categories: Vec<String>,
    bbox: Option<Bounds>,
    equal: Vec<(String, String)>,
}

impl Filter {
    /// Selects all incidents.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Selects incidents from `start` to before `end`, each a date or a time to the second.
    ///
    /// # Panics
    /// When one of them cannot be read.
    #[must_use]
    pub fn window(mut self, start: &str, end: &str) -> Self {
        let read = |text| time::parse(text).unwrap_or_else(|| panic!("{text} is not a time"));
        self.window = Some((read(start), read(end)));
        self
    }

    /// Selects this category; any of them if called more than once.
    #[must_use]
    pub fn category(mut self, category: &str) -> Self {
        self.categories.push(category.to_owned());
        self
    }

    /// Selects this box of west, south, east, north; its edges belong to it.
    #[must_use]
    pub fn bbox(mut self, bbox: Bounds) -> Self {
        self.bbox = Some(bbox);
        self
    }

    /// Selects rows with this text in that column.
    #[must_use]
    pub fn column(mut self, column: &str, value: &str) -> Self {
        self.equal.push((column.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn passes(&self, incident: &Incident) -> bool {
        let in_window = self.window.is_none_or(|(start, end)| incident.at.is_some_and(|at| start <= at && at < end));
        let of_category =
            self.categories.is_empty() || incident.category.as_ref().is_some_and(|own| self.categories.contains(own));
        let in_box = self.bbox.is_none_or(|[west, south, east, north]| {
            incident.place.is_some_and(|(lat, lng)| (west..=east).contains(&lng) && (south..=north).contains(&lat))
        });
        in_window
            && of_category
            && in_box
            && self.equal.iter().all(|(column, value)| text(incident.row.get(column)).is_some_and(|own| own == *value))
    }
}

/// The key of the groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// `YYYY`.
    Year,
    /// `YYYY-MM`.
    Month,
    /// The Monday of the ISO week, `YYYY-MM-DD`.
    Week,
    /// `YYYY-MM-DD`.
    Day,
    /// `YYYY-MM-DDTHH:00:00`.
    Hour,
    /// Start of a bucket of so many seconds from midnight, `YYYY-MM-DDTHH:MM:SS`.
    Seconds(i64),
    /// Hour of the day, `0` to `23`.
    HourOfDay,
    /// Day of the week, `1` for Monday to `7`.
    Weekday,
    /// The category.
    Category,
    /// The cell at this resolution, in hexadecimal.
    Cell(u8),
    /// The text in a column of the row.
    Column(String),
}

impl Dimension {
    /// Returns the label of the bucket that an incident is in; `None` if it has none.
    #[must_use]
    pub fn label(&self, incident: &Incident) -> Option<String> {
        match self {
            Self::Year => incident.at.map(time::year),
            Self::Month => incident.at.map(time::month),
            Self::Week => incident.at.map(time::week_start),
            Self::Day => incident.at.map(time::day),
            Self::Hour => incident.at.map(|at| time::bucket(at, 3600)),
            Self::Seconds(width) => incident.at.map(|at| time::bucket(at, *width)),
            Self::HourOfDay => incident.at.map(|at| time::hour_of_day(at).to_string()),
            Self::Weekday => incident.at.map(|at| time::weekday(at).to_string()),
            Self::Category => incident.category.clone(),
            Self::Cell(resolution) => incident.cell(*resolution),
            Self::Column(column) => text(incident.row.get(column)),
        }
    }
}
