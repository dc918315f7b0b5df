//! Incidents reported to the police.

use rand::RngExt;
use rand::rngs::StdRng;

use super::clock::{self, DAY, HOUR, MINUTE, OFFENCES, known};
use super::line::Line;
use super::pick::{Weighted, one, permille};
use super::places::{Atlas, capitalized};
use super::{Published, REPLACED_AT_MS};

/// A code: category, subcategory, description, share.
type Code = (&'static str, &'static str, &'static str, &'static str, u32);

const CODES: [Code; 18] = [
    ("06244", "Larceny Theft", "Larceny - From Vehicle", "Theft, From Locked Vehicle, >$950", 190),
    ("06374", "Larceny Theft", "Larceny Theft - Other", "Theft, Other Property, >$950", 70),
    ("06362", "Larceny Theft", "Larceny Theft - Shoplifting", "Theft, Shoplifting, $50-$200", 62),
    ("28150", "Malicious Mischief", "Vandalism", "Malicious Mischief, Vandalism to Property", 80),
    ("07021", "Motor Vehicle Theft", "Motor Vehicle Theft", "Vehicle, Stolen, Auto", 70),
    ("04134", "Assault", "Simple Assault", "Battery", 62),
    ("04014", "Assault", "Aggravated Assault", "Assault, Aggravated, W/ Force", 26),
    ("05041", "Burglary", "Burglary - Residential", "Burglary, Residence, Forcible Entry", 42),
    ("05151", "Burglary", "Burglary - Commercial", "Burglary, Store, Forcible Entry", 22),
    ("16650", "Drug Offense", "Drug Violation", "Methamphetamine Offense", 44),
    ("03074", "Robbery", "Robbery - Other", "Robbery, W/ Force", 24),
    ("09320", "Fraud", "Fraud", "Credit Card, Theft By Use Of", 34),
    ("64020", "Non-Criminal", "Non-Criminal", "Aided Case, Injured or Sick Person", 58),
    ("63010", "Warrant", "Warrant", "Warrant Arrest, Local SF Warrant", 46),
    ("71000", "Lost Property", "Lost Property", "Lost Property", 36),
    ("64070", "Suspicious Occ", "Suspicious Occ", "Suspicious Occurrence", 32),
    ("75000", "Missing Person", "Missing Person", "Found Person", 22),
    ("12030", "Weapons Offense", "Weapons Offense", "Firearm, Carrying Loaded", 12),
];

pub(crate) fn rows(count: usize, rng: &mut StdRng) -> Vec<Published> {
    let codes = Weighted::new(CODES.iter().map(|code| code.4));
    let atlas = Atlas::new(85);
    let mut incident = 1_180_000;
    let mut previous: Option<usize> = None;
    clock::moments(count, &OFFENCES, rng)
        .into_iter()
        .map(|happened| {
            let code = codes.pick(rng);
            // Some incidents are reported under two codes, as two rows.
            let shared = previous.is_some_and(|before| before != code) && permille(rng, 120);
            if !shared {
                incident += 1;
            }
            previous = if shared { None } else { Some(code) };
            report(incident, happened, CODES[code], &atlas, rng)
        })
        .collect()
}

fn report(
    incident: u32,
    happened: i64,
    (code, category, subcategory, description, _): Code,
    atlas: &Atlas,
    rng: &mut StdRng,
) -> Published {
    let spot = atlas.spot(rng);
    let place = spot.place;
    let online = category == "Larceny Theft" && permille(rng, 420);
    let delay = if permille(rng, 150) { rng.random_range(0..20) * DAY } else { rng.random_range(5..600) * MINUTE };
    let reported = (happened + delay).min(clock::LAST_MOMENT);
    let time = known(rng, happened);
    let located = !permille(rng, 52);
    let outside = !located && permille(rng, 450);
    let mut line = Line::new(1_300);
    line.time("incident_datetime", time);
    line.time("incident_date", time.map(clock::midnight));
    if time.is_some() {
        line.text("incident_time", &clock::hour_minute(happened));
        line.number("incident_year", clock::year(happened));
        line.text("incident_day_of_week", clock::weekday_name(happened));
    }
    line.time("report_datetime", Some(reported));
    line.text("row_id", &format!("{incident}{code}"));
    line.number("incident_id", incident);
    line.number("incident_number", 230_000_000 + u64::from(incident));
    if !online && !permille(rng, 90) {
        line.number("cad_number", 230_100_000 + u64::from(incident) * 7 % 90_000_000);
    }
    line.text("report_type_code", "II");
    line.text("report_type_description", if online { "Coplogic Initial" } else { "Initial" });
    if online {
        line.flag("filed_online", true);
    }
    line.text("incident_code", code);
    line.text("incident_category", category);
    line.text("incident_subcategory", subcategory);
    line.text("incident_description", &format!("{description} (synthetic)"));
    line.text(
        "resolution",
        one(rng, &["Open or Active", "Open or Active", "Open or Active", "Open or Active", "Cite or Arrest Adult"]),
    );
    if located {
        line.text("intersection", &format!("{} ST \\ SYNTHETIC AVE", spot.street));
        line.number("cnn", 20_000_000 + u64::from(spot.block) * 1_000);
    }
    if outside {
        line.text("police_district", "Out of SF");
    } else {
        line.text("police_district", &capitalized(place.police));
    }
    if located {
        line.text("analysis_neighborhood", place.neighborhood);
        line.number("supervisor_district", place.supervisor);
        line.number("supervisor_district_2012", place.supervisor);
        line.number("latitude", spot.lat);
        line.number("longitude", spot.lon);
        line.point("point", spot.lon, spot.lat);
    }
    line.time("data_as_of", Some(clock::LAST_MOMENT));
    line.time("data_loaded_at", Some(clock::local(REPLACED_AT_MS) - HOUR / 30));
    line.computed_regions_follow();
    if located {
        line.number(":@computed_region_jwn9_ihcz", place.supervisor + 30);
        line.number(":@computed_region_h4ep_8xdi", place.supervisor % 3);
    }
    Published { row: line.finish(), at_ms: REPLACED_AT_MS }
}
