//! Incidents the fire department went to.

use rand::RngExt;
use rand::rngs::StdRng;

use super::clock::{self, CALLS, MINUTE, known};
use super::line::Line;
use super::pick::{Weighted, one, permille};
use super::places::Atlas;
use super::{Published, REPLACED_AT_MS};

/// A situation, its share, and whether something burnt.
const SITUATIONS: [(&str, u32, bool); 12] = [
    ("700 - False alarm or false call, other", 150, false),
    ("743 - Smoke detector activation, no fire - unintentional", 130, false),
    ("745 - Alarm system activation, no fire - unintentional", 120, false),
    ("735 - Alarm system sounded due to malfunction", 90, false),
    ("711 - Municipal alarm system, Street Box False", 60, false),
    ("651 - Smoke scare, odor of smoke", 55, false),
    ("322 - Motor vehicle accident with injuries", 70, false),
    ("353 - Removal of victim(s) from stalled elevator", 40, false),
    ("412 - Gas leak (natural gas or LPG)", 35, false),
    ("151 - Outside rubbish, trash or waste fire", 85, true),
    ("111 - Building fire", 45, true),
    ("131 - Passenger vehicle fire", 20, true),
];

const ACTIONS: [&str; 4] = [
    "86 - Investigate",
    "63 - Restore fire alarm system",
    "11 - Extinguishment by fire service personnel",
    "92 - Standby",
];

const USES: [&str; 5] = [
    "429 - Multifamily dwelling",
    "419 - 1 or 2 family dwelling",
    "960 - Street, other",
    "599 - Business office",
    "161 - Restaurant or cafeteria",
];

pub(crate) fn rows(count: usize, rng: &mut StdRng) -> Vec<Published> {
    let situations = Weighted::new(SITUATIONS.iter().map(|situation| situation.1));
    let atlas = Atlas::new(60);
    clock::moments(count, &CALLS, rng)
        .into_iter()
        .enumerate()
        .map(|(number, alarm)| {
            let (situation, _, burnt) = SITUATIONS[situations.pick(rng)];
            incident(number, alarm, situation, burnt, &atlas, rng)
        })
        .collect()
}

fn incident(number: usize, alarm: i64, situation: &str, burnt: bool, atlas: &Atlas, rng: &mut StdRng) -> Published {
    let spot = atlas.spot(rng);
    let place = spot.place;
    let time = known(rng, alarm);
    let arrival = alarm + rng.random_range(120..720) * 1_000;
    let close = arrival + rng.random_range(3..if burnt { 240 } else { 40 }) * MINUTE;
    let station = usize::from(place.supervisor) * 4 - 3;
    let engines = rng.random_range(1..=if burnt { 9_u32 } else { 4 });
    let building = situation.starts_with("111");
    let mut line = Line::new(1_900);
    line.number("incident_number", 23_000_001 + number);
    line.number("exposure_number", 0);
    line.number("id", (23_000_001 + number) * 10);
    line.text("address", &format!("Synthetic block of {} {} St.", spot.block, spot.street));
    line.time("incident_date", time.map(clock::midnight));
    line.number("call_number", 230_010_001 + number);
    line.time("alarm_dttm", time);
    line.time("arrival_dttm", Some(arrival));
    line.time("close_dttm", Some(close));
    line.text("city", "San Francisco");
    line.text("zipcode", place.zip);
    line.text("battalion", &format!("B{:02}", place.supervisor % 10 + 1));
    line.text("station_area", &format!("{station:02}"));
    if number.is_multiple_of(3) {
        line.text("box", &format!("{:04}", station * 100));
    }
    line.number("suppression_units", engines);
    line.number("suppression_personnel", engines * 4);
    line.number("ems_units", engines % 2);
    line.number("ems_personnel", engines % 2 * 2);
    line.number("other_units", u32::from(burnt));
    line.number("other_personnel", u32::from(burnt));
    line.text("first_unit_on_scene", &format!("E{station:02}"));
    if building {
        line.number("estimated_property_loss", rng.random_range(1..400) * 500);
        line.number("estimated_contents_loss", rng.random_range(0..80) * 250);
    }
    line.number("fire_fatalities", 0);
    line.number("fire_injuries", 0);
    line.number("civilian_fatalities", 0);
    line.number("civilian_injuries", u32::from(building && permille(rng, 60)));
    line.number("number_of_alarms", if building && permille(rng, 80) { 2 } else { 1 });
    line.text("primary_situation", situation);
    line.text("mutual_aid", "None");
    line.text("action_taken_primary", ACTIONS[if burnt { 2 } else { number % 2 }]);
    line.maybe("action_taken_secondary", permille(rng, 90).then_some(ACTIONS[3]));
    line.maybe(
        "detector_alerted_occupants",
        (!burnt && permille(rng, 300)).then_some("1 - Detector alerted occupants"),
    );
    line.text("property_use", one(rng, &USES));
    if burnt {
        line.text("area_of_fire_origin", if building { "24 - Cooking area, kitchen" } else { "93 - Courtyard, patio" });
        line.text("ignition_cause", "2 - Unintentional");
        line.text("ignition_factor_primary", "NN - None");
        line.text("heat_source", "UU - Undetermined");
        line.text("item_first_ignited", "UU - Undetermined");
    }
    if building {
        line.text("structure_type", "1 - Enclosed building");
        line.text("structure_status", "2 - In normal use");
        line.number("floor_of_fire_origin", rng.random_range(1..6));
        line.text("fire_spread", "2 - Confined to room of origin");
        line.number("number_of_floors_with_minimum_damage", 1);
        line.text("detectors_present", "1 - Present");
        line.text("automatic_extinguishing_system_present", "N - None present");
    }
    line.number("supervisor_district", place.supervisor);
    line.text("neighborhood_district", place.neighborhood);
    if !permille(rng, 9) {
        line.point("point", spot.lon, spot.lat);
    }
    line.time("data_as_of", Some(close + 60 * MINUTE));
    line.time("data_loaded_at", Some(clock::local(REPLACED_AT_MS) - 2 * MINUTE));
    Published { row: line.finish(), at_ms: REPLACED_AT_MS }
}
