//! Where incidents occur: the addresses of an invented city in the outline of San Francisco. Some addresses and some
//! quarters have much more of everything than others.

use crate::random::{Random, Weighted, to_weight};

/// Rows of incidents have these places, whatever their seed: lakes of all sizes are of one city.
const SEED: u64 = 0xC171;
const ADDRESSES: u64 = 60_000;
/// How much shorter a degree of longitude is than one of latitude, here.
const LONGITUDE_SCALE: f64 = 0.79;

/// Corners of the outline: longitude, latitude.
const OUTLINE: [(f64, f64); 14] = [
    (-122.5150, 37.7830),
    (-122.4850, 37.7905),
    (-122.4770, 37.8110),
    (-122.4460, 37.8080),
    (-122.4100, 37.8095),
    (-122.3900, 37.7960),
    (-122.3860, 37.7720),
    (-122.3760, 37.7530),
    (-122.3580, 37.7300),
    (-122.3780, 37.7120),
    (-122.3930, 37.7060),
    (-122.5030, 37.7060),
    (-122.5080, 37.7350),
    (-122.5130, 37.7650),
];

/// Busy quarters: longitude, latitude, radius in degrees of latitude, how much more happens at the centre.
const HOT_SPOTS: [(f64, f64, f64, f64); 14] = [
    (-122.4150, 37.7835, 0.0040, 26.0),
    (-122.4070, 37.7790, 0.0050, 20.0),
    (-122.4190, 37.7640, 0.0060, 15.0),
    (-122.4075, 37.7875, 0.0030, 14.0),
    (-122.4150, 37.8065, 0.0030, 9.0),
    (-122.3910, 37.7340, 0.0070, 6.0),
    (-122.4350, 37.7620, 0.0040, 6.0),
    (-122.4470, 37.7697, 0.0030, 6.0),
    (-122.4325, 37.7825, 0.0050, 5.0),
    (-122.4180, 37.7520, 0.0050, 8.0),
    (-122.4990, 37.7560, 0.0080, 2.0),
    (-122.4640, 37.7810, 0.0060, 3.0),
    (-122.4370, 37.7170, 0.0060, 3.0),
    (-122.4000, 37.7940, 0.0050, 7.0),
];

const STREETS: [&str; 24] = [
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ivy", "Juniper", "Larch", "Maple",
    "Nutmeg", "Oak", "Pine", "Quince", "Redwood", "Spruce", "Tulip", "Umber", "Verbena", "Willow", "Yarrow", "Zinnia",
];

const NEIGHBORHOODS: u64 = 41;
const DISTRICTS: [&str; 10] =
    ["Central", "Northern", "Southern", "Eastern", "Western", "Harbor", "Hillside", "Parkside", "Lakeview", "Airfield"];

/// A place where incidents occur.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
    pub(crate) neighborhood: usize,
    pub(crate) district: usize,
    pub(crate) street: &'static str,
    pub(crate) block: u64,
}

/// The addresses, and how much happens at each.
#[derive(Clone, Debug)]
pub(crate) struct City {
    pub(crate) addresses: Vec<Address>,
    pub(crate) neighborhoods: Vec<String>,
    /// Where people live.
    homes: Weighted,
    /// Where people go.
    streets: Weighted,
}

impl City {
    pub(crate) fn new() -> Self {
        let mut random = Random::new(SEED, 0);
        let neighborhood_centres: Vec<_> = (0..NEIGHBORHOODS).map(|_| point_inside(&mut random)).collect();
        let district_centres: Vec<_> = DISTRICTS.iter().map(|_| point_inside(&mut random)).collect();
        let (mut addresses, mut homes, mut streets) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..ADDRESSES {
            let mut random = Random::new(SEED, number + 1);
            let point = point_inside(&mut random);
            // Most addresses have little, a few have a hundred times as much.
            let own = random.unit().max(0.001).powf(-0.7);
            let busy = heat(point);
            homes.push(to_weight(own * (1.0 + 0.4 * busy)));
            streets.push(to_weight(own * (0.25 + busy)));
            addresses.push(Address {
                longitude: point.0,
                latitude: point.1,
                neighborhood: nearest(&neighborhood_centres, point),
                district: nearest(&district_centres, point),
                street: random.one_of(&STREETS),
                block: random.below(60) * 100,
            });
        }
        let neighborhoods = (0..neighborhood_centres.len()).map(neighborhood_name).collect();
        Self { addresses, neighborhoods, homes: Weighted::new(homes), streets: Weighted::new(streets) }
    }

    /// Returns the address of an incident that occurs at home in that many of a thousand cases.
    pub(crate) fn pick(&self, home_permille: u64, random: &mut Random) -> &Address {
        let weights = if random.permille(home_permille) { &self.homes } else { &self.streets };
        &self.addresses[weights.pick(random)]
    }

    /// Returns the name of an address's district.
    pub(crate) fn district(&self, address: &Address) -> &'static str {
        DISTRICTS[address.district]
    }

    /// Returns the name of an address's neighborhood.
    pub(crate) fn neighborhood(&self, address: &Address) -> &str {
        &self.neighborhoods[address.neighborhood]
    }
}

fn neighborhood_name(number: usize) -> String {
    const QUARTERS: [&str; 7] = ["Heights", "Valley", "Park", "Terrace", "Beach", "Mission", "Hill/Gardens"];
    format!("{} {}", STREETS[number % STREETS.len()], QUARTERS[number % QUARTERS.len()])
}

fn point_inside(random: &mut Random) -> (f64, f64) {
    loop {
        let point = (-122.52 + 0.17 * random.unit(), 37.70 + 0.115 * random.unit());
        if is_inside(point) {
            return point;
        }
    }
}

fn is_inside((x, y): (f64, f64)) -> bool {
    let next = OUTLINE.iter().cycle().skip(1);
    let crossings = OUTLINE
        .iter()
        .zip(next)
        .filter(|((x1, y1), (x2, y2))| (*y1 > y) != (*y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1);
    crossings.count() % 2 == 1
}

fn square_distance((x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> f64 {
    ((x1 - x2) * LONGITUDE_SCALE).powi(2) + (y1 - y2).powi(2)
}

fn heat(point: (f64, f64)) -> f64 {
    let spots = HOT_SPOTS
        .iter()
        .map(|(x, y, radius, more)| more * (-square_distance(point, (*x, *y)) / (2.0 * radius.powi(2))).exp());
    spots.sum()
}

fn nearest(centres: &[(f64, f64)], point: (f64, f64)) -> usize {
    let distances = centres.iter().map(|centre| square_distance(*centre, point));
    distances.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(0, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_addresses_have_most_incidents() {
        let city = City::new();
        let mut random = Random::new(3, 3);
        let mut counts = std::collections::BTreeMap::<u64, u32>::new();
        for _ in 0..100_000 {
            *counts.entry(city.pick(300, &mut random).latitude.to_bits()).or_default() += 1;
        }
        let mut counts: Vec<u32> = counts.into_values().collect();
        counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
        let most: u32 = counts.iter().take(600).sum();
        assert!((15_000..70_000).contains(&most), "a hundredth of all addresses has {most} of 100,000");
        assert!(counts.len() > 15_000, "{} addresses", counts.len());
    }

    #[test]
    fn a_point_is_inside_the_outline_or_not() {
        assert!(is_inside((-122.42, 37.77)));
        assert!(!is_inside((-122.36, 37.80)), "the bay");
        assert!(!is_inside((-122.52, 37.70)), "the ocean");
    }
}
