//! Categories and subcategories, of which few are most frequent.

use crate::random::{Random, Weighted, zipf};

const SERVICES: [&str; 12] = [
    "Street and Sidewalk",
    "Graffiti",
    "Encampment",
    "Parked Vehicle",
    "Tree",
    "Streetlight",
    "Sewer",
    "Sign",
    "Transit Stop",
    "Litter Receptacle",
    "Public Building",
    "Noise",
];
const REQUESTS: [&str; 7] = ["Cleaning", "Repair", "Complaint", "Request", "Hazard", "Inspection", "Removal"];
const DETAILS: [&str; 16] = [
    "on public property",
    "on private property",
    "blocking the sidewalk",
    "blocking a driveway",
    "large",
    "small",
    "overflowing",
    "damaged",
    "missing",
    "at night",
    "at an intersection",
    "next to a school",
    "repeated",
    "offensive",
    "not specified",
    "other",
];
const CALLS: [&str; 8] = [
    "Medical Incident",
    "Alarm",
    "Structure Fire",
    "Traffic Collision",
    "Outside Fire",
    "Service Call",
    "Gas Leak",
    "Water Rescue",
];
const CALL_PLACES: [&str; 4] = ["Residence", "Business", "Street", "Vehicle"];
const GROUPS: [&str; 4] = ["Potentially Life-Threatening", "Non Life-threatening", "Alarm", "Fire"];
const OFFENCES: [&str; 8] =
    ["Larceny", "Burglary", "Assault", "Vandalism", "Vehicle Theft", "Fraud", "Drug Offense", "Robbery"];
const OFFENCE_PLACES: [&str; 6] = ["Vehicle", "Residence", "Store", "Street", "Transit", "Online"];
const MANNERS: [&str; 6] = ["Simple", "Aggravated", "Attempted", "With Force", "By Stealth", "Other"];
const SEVERITIES: [&str; 4] = ["Injury (Complaint of Pain)", "Injury (Other Visible)", "Injury (Severe)", "Fatal"];
const COLLISIONS: [&str; 8] =
    ["Broadside", "Rear End", "Sideswipe", "Vehicle/Pedestrian", "Head-On", "Hit Object", "Overturned", "Other"];

/// A category.
#[derive(Clone, Debug)]
pub(crate) struct Category {
    pub(crate) name: String,
    subcategories: Vec<String>,
    weights: Weighted,
    /// How often it occurs where people live, in a thousand cases.
    pub(crate) home_permille: u64,
    /// About how long an incident stays open.
    pub(crate) open_hours: u64,
}

impl Category {
    /// Returns a subcategory.
    pub(crate) fn pick(&self, random: &mut Random) -> &str {
        &self.subcategories[self.weights.pick(random)]
    }
}

/// The categories of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Kinds {
    categories: Vec<Category>,
    weights: Weighted,
}

impl Kinds {
    /// Returns the categories of 311 cases.
    pub(crate) fn of_cases() -> Self {
        Self::new(&joined(&SERVICES, &REQUESTS, " "), &DETAILS, 10)
    }

    /// Returns those of calls to the fire department.
    pub(crate) fn of_calls() -> Self {
        Self::new(&joined(&CALLS, &CALL_PLACES, " / "), &GROUPS, 4)
    }

    /// Returns those of police reports.
    pub(crate) fn of_reports() -> Self {
        Self::new(&joined(&OFFENCES, &OFFENCE_PLACES, " - "), &MANNERS, 6)
    }

    /// Returns those of traffic crashes.
    pub(crate) fn of_crashes() -> Self {
        Self::new(&SEVERITIES.map(str::to_owned), &COLLISIONS, 8)
    }

    fn new(names: &[String], details: &[&str], most_details: u64) -> Self {
        let categories = names.iter().zip(0..).map(|(name, number)| {
            let mut random = Random::new(0xCA7, number);
            let length = usize::try_from(most_details.div_ceil(2) + random.below(most_details / 2 + 1)).unwrap_or(1);
            let first = random.index(details.len());
            let subcategories: Vec<String> = details
                .iter()
                .cycle()
                .skip(first)
                .take(length.min(details.len()))
                .map(|detail| format!("{name}, {detail}"))
                .collect();
            let weights = Weighted::new(zipf(subcategories.len()));
            let (home_permille, open_hours) = (150 + random.below(700), 2 + random.below(400));
            Category { name: name.clone(), subcategories, weights, home_permille, open_hours }
        });
        let categories: Vec<Category> = categories.collect();
        // Neighbours in the alphabet are not neighbours in number.
        let mut weights: Vec<u64> = zipf(categories.len()).collect();
        let mut random = Random::new(0xCA7, u64::MAX);
        for last in (1..weights.len()).rev() {
            weights.swap(last, random.index(last + 1));
        }
        Self { categories, weights: Weighted::new(weights) }
    }

    /// Returns a category.
    pub(crate) fn pick(&self, random: &mut Random) -> &Category {
        &self.categories[self.weights.pick(random)]
    }
}

fn joined(first: &[&str], second: &[&str], between: &str) -> Vec<String> {
    first.iter().flat_map(|a| second.iter().map(move |b| format!("{a}{between}{b}"))).collect()
}
