//! The places of incidents. A place is a disc inside one neighborhood, one police district and one supervisor district,
//! on land; so the districts of a row always fit its point.

use rand::rngs::StdRng;

use super::pick::{Weighted, normal};

/// A disc on the map, with its districts.
pub(crate) struct Place {
    pub(crate) neighborhood: &'static str,
    pub(crate) police: &'static str,
    pub(crate) supervisor: u8,
    pub(crate) zip: &'static str,
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    /// In degrees of latitude.
    pub(crate) radius: f64,
    /// How many incidents happen here: to residents, and to visitors.
    home: u32,
    street: u32,
}

const fn place(
    neighborhood: &'static str,
    (police, supervisor): (&'static str, u8),
    zip: &'static str,
    (lon, lat, radius): (f64, f64, f64),
    (home, street): (u32, u32),
) -> Place {
    Place { neighborhood, police, supervisor, zip, lon, lat, radius, home, street }
}

/// How much narrower a degree of longitude is than one of latitude, here.
pub(crate) const NARROWER: f64 = 0.79;

/// Hot spots first, then the rest of the city.
#[rustfmt::skip]
pub(crate) const PLACES: [Place; 54] = [
    place("Tenderloin", ("TENDERLOIN", 5), "94102", (-122.4150, 37.7833, 0.0026), (80, 130)),
    place("Tenderloin", ("TENDERLOIN", 5), "94102", (-122.4140, 37.7802, 0.0004), (20, 60)),
    place("South of Market", ("SOUTHERN", 6), "94103", (-122.4075, 37.7800, 0.0013), (35, 75)),
    place("South of Market", ("SOUTHERN", 6), "94103", (-122.4066, 37.7762, 0.0046), (55, 70)),
    place("Mission", ("MISSION", 9), "94110", (-122.4194, 37.7648, 0.0022), (60, 90)),
    place("Mission", ("MISSION", 9), "94110", (-122.4180, 37.7524, 0.0020), (50, 55)),
    place("North Beach", ("CENTRAL", 3), "94133", (-122.4150, 37.8072, 0.0011), (12, 70)),
    place("Financial District/South Beach", ("CENTRAL", 3), "94108", (-122.4072, 37.7874, 0.0007), (12, 72)),
    place("Bayview Hunters Point", ("BAYVIEW", 10), "94124", (-122.3905, 37.7343, 0.0036), (70, 60)),
    place("Sunset/Parkside", ("TARAVAL", 4), "94122", (-122.4990, 37.7560, 0.0038), (55, 22)),
    place("Inner Sunset", ("TARAVAL", 7), "94122", (-122.4745, 37.7640, 0.0014), (18, 14)),
    place("Haight Ashbury", ("PARK", 5), "94117", (-122.4470, 37.7697, 0.0013), (18, 24)),
    place("Castro/Upper Market", ("MISSION", 8), "94114", (-122.4347, 37.7615, 0.0013), (22, 26)),
    place("Chinatown", ("CENTRAL", 3), "94108", (-122.4070, 37.7948, 0.0019), (22, 26)),
    place("Western Addition", ("NORTHERN", 5), "94115", (-122.4325, 37.7825, 0.0016), (30, 26)),
    place("Hayes Valley", ("NORTHERN", 5), "94102", (-122.4245, 37.7765, 0.0018), (26, 30)),
    place("Excelsior", ("INGLESIDE", 11), "94112", (-122.4370, 37.7170, 0.0022), (28, 18)),
    place("Lakeshore", ("TARAVAL", 7), "94132", (-122.4765, 37.7280, 0.0013), (8, 18)),
    place("Bayview Hunters Point", ("BAYVIEW", 10), "94124", (-122.3890, 37.7356, 0.0095), (40, 30)),
    place("Bernal Heights", ("INGLESIDE", 9), "94110", (-122.4146, 37.7419, 0.0050), (40, 22)),
    place("Castro/Upper Market", ("PARK", 8), "94114", (-122.4354, 37.7660, 0.0023), (18, 12)),
    place("Excelsior", ("INGLESIDE", 11), "94112", (-122.4322, 37.7140, 0.0040), (36, 16)),
    place("Financial District/South Beach", ("CENTRAL", 3), "94111", (-122.3986, 37.7978, 0.0017), (14, 38)),
    place("Financial District/South Beach", ("SOUTHERN", 6), "94105", (-122.3938, 37.7864, 0.0045), (22, 40)),
    place("Glen Park", ("INGLESIDE", 8), "94131", (-122.4338, 37.7381, 0.0038), (12, 6)),
    place("Golden Gate Park", ("RICHMOND", 4), "94122", (-122.4802, 37.7686, 0.0014), (3, 10)),
    place("Golden Gate Park", ("RICHMOND", 7), "94117", (-122.4658, 37.7699, 0.0026), (3, 12)),
    place("Inner Richmond", ("RICHMOND", 1), "94118", (-122.4658, 37.7826, 0.0043), (34, 20)),
    place("Inner Sunset", ("PARK", 7), "94122", (-122.4578, 37.7584, 0.0027), (20, 10)),
    place("Lakeshore", ("TARAVAL", 7), "94132", (-122.4850, 37.7178, 0.0080), (14, 10)),
    place("Lincoln Park", ("RICHMOND", 1), "94121", (-122.5026, 37.7838, 0.0012), (1, 4)),
    place("Lone Mountain/USF", ("PARK", 1), "94118", (-122.4514, 37.7775, 0.0023), (14, 10)),
    place("Marina", ("NORTHERN", 2), "94123", (-122.4354, 37.8003, 0.0044), (26, 30)),
    place("McLaren Park", ("INGLESIDE", 10), "94134", (-122.4226, 37.7152, 0.0019), (2, 3)),
    place("Mission", ("MISSION", 9), "94110", (-122.4130, 37.7546, 0.0050), (55, 45)),
    place("Mission", ("SOUTHERN", 6), "94103", (-122.4162, 37.7711, 0.0012), (10, 18)),
    place("Mission Bay", ("SOUTHERN", 6), "94158", (-122.3906, 37.7737, 0.0028), (18, 20)),
    place("Nob Hill", ("CENTRAL", 3), "94108", (-122.4114, 37.7914, 0.0018), (26, 22)),
    place("Noe Valley", ("MISSION", 8), "94114", (-122.4306, 37.7521, 0.0038), (20, 8)),
    place("Oceanview/Merced/Ingleside", ("TARAVAL", 11), "94112", (-122.4562, 37.7178, 0.0050), (22, 10)),
    place("Outer Mission", ("INGLESIDE", 11), "94112", (-122.4402, 37.7254, 0.0038), (20, 10)),
    place("Outer Richmond", ("RICHMOND", 1), "94121", (-122.4786, 37.7800, 0.0050), (36, 18)),
    place("Pacific Heights", ("NORTHERN", 2), "94115", (-122.4274, 37.7927, 0.0026), (18, 12)),
    place("Portola", ("BAYVIEW", 9), "94134", (-122.4082, 37.7267, 0.0047), (22, 12)),
    place("Potrero Hill", ("BAYVIEW", 10), "94107", (-122.3890, 37.7584, 0.0049), (18, 18)),
    place("Presidio Heights", ("RICHMOND", 2), "94118", (-122.4498, 37.7864, 0.0035), (10, 6)),
    place("Russian Hill", ("CENTRAL", 3), "94109", (-122.4162, 37.8016, 0.0021), (14, 14)),
    place("Seacliff", ("RICHMOND", 1), "94121", (-122.4866, 37.7876, 0.0012), (3, 2)),
    place("Sunset/Parkside", ("TARAVAL", 4), "94116", (-122.4930, 37.7521, 0.0100), (60, 24)),
    place("Treasure Island", ("SOUTHERN", 6), "94130", (-122.3682, 37.8219, 0.0036), (5, 4)),
    place("Twin Peaks", ("PARK", 7), "94131", (-122.4498, 37.7559, 0.0014), (5, 6)),
    place("Visitacion Valley", ("INGLESIDE", 10), "94134", (-122.4034, 37.7152, 0.0026), (20, 12)),
    place("West of Twin Peaks", ("INGLESIDE", 7), "94127", (-122.4498, 37.7356, 0.0046), (20, 8)),
    place("West of Twin Peaks", ("TARAVAL", 7), "94116", (-122.4642, 37.7445, 0.0046), (16, 6)),
];

const STREETS: [&str; 24] = [
    "ALDER",
    "BEACON",
    "CYPRESS",
    "DELMAR",
    "ELMWOOD",
    "FOXGLOVE",
    "GRANITE",
    "HARBOR",
    "IRONWOOD",
    "JUNIPER",
    "KESTREL",
    "LARKIN HILL",
    "MAGNOLIA",
    "NORTHGATE",
    "ORCHARD",
    "PEPPER",
    "QUARRY",
    "REDBUD",
    "SORREL",
    "TAMARIND",
    "UPLAND",
    "VIOLET",
    "WILLOW",
    "YARROW",
];

/// A place chosen, and a point in it.
pub(crate) struct Spot {
    pub(crate) place: &'static Place,
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    /// Invented: no street of the city has that name.
    pub(crate) street: &'static str,
    pub(crate) block: u32,
}

static MAP: &[Place] = &PLACES;

/// A choice of places: `street` is how much it follows where people are out, in percent, the
/// rest following where they live.
pub(crate) struct Atlas {
    weights: Weighted,
}

impl Atlas {
    pub(crate) fn new(street: u32) -> Atlas {
        let street = street.min(100);
        Atlas { weights: Weighted::new(MAP.iter().map(|p| p.street * street + p.home * (100 - street))) }
    }

    /// Draws a point in a place: most are near its middle, none outside of its disc.
    pub(crate) fn spot(&self, rng: &mut StdRng) -> Spot {
        let place = &MAP[self.weights.pick(rng)];
        let (mut east, mut north) = (normal(rng) * 0.45, normal(rng) * 0.45);
        let reach = east.hypot(north);
        if reach > 1.0 {
            // A stray is folded back along its own direction.
            let fold = (1.0 / reach) * (reach.fract().abs().max(0.2));
            east *= fold;
            north *= fold;
        }
        // Reported places are corners and blocks, so many rows share a point.
        let snap = |degrees: f64| (degrees * 2_500.0).round() / 2_500.0;
        let lat = place.lat + north * place.radius * 0.97;
        let lon = place.lon + east * place.radius * 0.97 / NARROWER;
        let (corner_lat, corner_lon) = (snap(lat), snap(lon));
        let inside =
            ((corner_lat - place.lat) / place.radius).hypot((corner_lon - place.lon) * NARROWER / place.radius) <= 1.0;
        let (lat, lon) = if inside { (corner_lat, corner_lon) } else { (lat, lon) };
        let cell = street_number(lon, lat);
        Spot {
            place,
            lon: digits(lon),
            lat: digits(lat),
            street: STREETS[cell % STREETS.len()],
            block: u32::try_from(cell / STREETS.len() % 30 + 1).unwrap_or(1) * 100,
        }
    }
}

/// Returns the street number of a point: the same point always has the same one.
fn street_number(lon: f64, lat: f64) -> usize {
    let cell = ((lon + 123.0) * 2_500.0).round().mul_add(100_000.0, ((lat - 37.0) * 2_500.0).round());
    usize::try_from(crate::ids::scatter(cell.to_bits()) >> 40).unwrap_or(0)
}

fn digits(degrees: f64) -> f64 {
    (degrees * 1e9).round() / 1e9
}

/// Formats `TENDERLOIN` as `Tenderloin`, as the police write their own districts.
pub(crate) fn capitalized(district: &str) -> String {
    let mut letters = district.chars();
    letters.next().into_iter().chain(letters.flat_map(char::to_lowercase)).collect()
}
