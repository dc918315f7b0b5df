//! An incident of a row: what, when and where, the same for every resource. A row is a function of the seed, the
//! resource, its number and its version, so any part of a lake can be made by itself.

use crate::calendar::{Calendar, DAY_SECONDS, END_DAY};
use crate::city::{Address, City};
use crate::kinds::{Category, Kinds};
use crate::random::Random;

/// The end of the history, in seconds since 1970.
pub(crate) const END: i64 = END_DAY * DAY_SECONDS;
/// The clock of the portal is that many hours ahead of the city's.
const ZONE_HOURS: i64 = 8;

/// An incident. Times are seconds of the city's clock since 1970.
#[derive(Debug)]
pub(crate) struct Incident<'c> {
    pub(crate) number: u64,
    /// None if it was not published.
    pub(crate) occurred: Option<i64>,
    pub(crate) closed: Option<i64>,
    /// When the portal published this version, in UTC.
    pub(crate) updated: i64,
    pub(crate) category: &'c Category,
    pub(crate) subcategory: &'c str,
    pub(crate) address: &'c Address,
    /// Longitude and latitude as published; none if it has no usable place.
    pub(crate) point: Option<Point>,
}

/// A point as published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
    pub(crate) decimals: usize,
}

/// The inputs from which incidents are made.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) city: City,
    calendar: Calendar,
    kinds: Kinds,
    seed: u64,
    total: u64,
}

impl Model {
    /// Returns the model of a resource that has `total` rows.
    pub(crate) fn new(kinds: Kinds, seed: u64, total: u64) -> Self {
        Self { city: City::new(), calendar: Calendar::new(), kinds, seed, total }
    }

    /// Returns the first row of the newest two months.
    pub(crate) fn first_newest_row(&self) -> u64 {
        self.calendar.first_newest_row(self.total)
    }

    /// Returns a row's first version, or, if it has changed, its second: closed, one in four of another category, one
    /// in ten at another place.
    pub(crate) fn incident(&self, number: u64, has_changed: bool) -> Incident<'_> {
        let mut random = Random::new(self.seed, number);
        let day = self.calendar.day_of_row(number, self.total, &mut random);
        let occurred = self.calendar.second_of_day(day, &mut random);
        let is_undated = random.permille(1);
        let mut category = self.kinds.pick(&mut random);
        let mut subcategory = category.pick(&mut random);
        let mut address = self.city.pick(category.home_permille, &mut random);
        let mut point = published_point(address, &mut random);
        let minutes = i64::try_from(category.open_hours * 60 * (1 + random.below(200)) / 100).unwrap_or(0);
        let mut closed = (occurred + minutes * 60 < END).then_some(occurred + minutes * 60);
        let mut updated = closed.unwrap_or(occurred + 7_200).min(END) + ZONE_HOURS * 3_600;
        if has_changed {
            let mut random = Random::new(self.seed ^ 0xC4A6, number);
            // An instant that no first version has, so that no change is without a difference.
            closed = Some(END + i64::try_from(random.below(3_600)).unwrap_or(0));
            updated = END + DAY_SECONDS;
            if random.permille(250) {
                category = self.kinds.pick(&mut random);
                subcategory = category.pick(&mut random);
            }
            if random.permille(100) {
                address = self.city.pick(category.home_permille, &mut random);
                point = published_point(address, &mut random);
            }
        }
        let occurred = (!is_undated).then_some(occurred);
        Incident { number, occurred, closed, updated, category, subcategory, address, point }
    }
}

/// Returns the point of an address, of a place near it, or none.
fn published_point(address: &Address, random: &mut Random) -> Option<Point> {
    if random.permille(18) {
        return None;
    }
    let (longitude, latitude) = (address.longitude, address.latitude);
    if random.permille(700) {
        return Some(Point { longitude, latitude, decimals: 12 });
    }
    // Sent by a telephone: some thirty metres away.
    let (longitude, latitude) = (longitude + 0.000_3 * random.normal(), latitude + 0.000_25 * random.normal());
    Some(Point { longitude, latitude, decimals: 7 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_same_whenever_it_is_made() {
        let model = Model::new(Kinds::of_cases(), 311, 1_000);
        let again = Model::new(Kinds::of_cases(), 311, 1_000);
        for number in [0, 17, 999, 1_234] {
            let (one, other) = (model.incident(number, false), again.incident(number, false));
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
            assert_ne!(one.closed, model.incident(number, true).closed, "a change changes something");
        }
    }
}
