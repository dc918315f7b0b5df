//! Traffic crashes with injuries.

use rand::RngExt;
use rand::rngs::StdRng;

use super::clock::{self, CRASHES, DAY, MINUTE, known};
use super::line::Line;
use super::pick::{Weighted, one, permille};
use super::places::Atlas;
use super::{Published, REPLACED_AT_MS};

/// A crash type, its parties, its share.
const TYPES: [(&str, &str, &str, u32); 7] = [
    ("Broadside", "Vehicle-Vehicle", "AA", 300),
    ("Vehicle/Pedestrian", "Vehicle-Pedestrian", "CC", 210),
    ("Rear End", "Vehicle-Vehicle", "AA", 190),
    ("Sideswipe", "Vehicle-Bicycle", "BB", 130),
    ("Hit Object", "Vehicle(s) Only Involved", "AA", 80),
    ("Head-On", "Vehicle-Vehicle", "AA", 50),
    ("Overturned", "Vehicle(s) Only Involved", "AA", 40),
];

const SEVERITIES: [(&str, u32); 4] =
    [("Injury (Complaint of Pain)", 620), ("Injury (Other Visible)", 290), ("Injury (Severe)", 80), ("Fatal", 10)];

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

pub(crate) fn rows(count: usize, rng: &mut StdRng) -> Vec<Published> {
    let types = Weighted::new(TYPES.iter().map(|kind| kind.3));
    let severities = Weighted::new(SEVERITIES.iter().map(|severity| severity.1));
    let atlas = Atlas::new(75);
    clock::moments(count, &CRASHES, rng)
        .into_iter()
        .enumerate()
        .map(|(number, moment)| {
            let kind = TYPES[types.pick(rng)];
            let severity = SEVERITIES[severities.pick(rng)].0;
            crash(number, moment, kind, severity, &atlas, rng)
        })
        .collect()
}

fn crash(
    number: usize,
    moment: i64,
    (kind, group_text, group, _): (&str, &str, &str, u32),
    severity: &str,
    atlas: &Atlas,
    rng: &mut StdRng,
) -> Published {
    let spot = atlas.spot(rng);
    let place = spot.place;
    let time = known(rng, moment / MINUTE * MINUTE);
    let located = !permille(rng, 20);
    let pedestrian = kind == "Vehicle/Pedestrian";
    let dark = !(6 * 60..19 * 60).contains(&(moment.rem_euclid(DAY) / MINUTE));
    let month = crate::stamp::civil(moment.div_euclid(DAY)).1;
    let killed = u32::from(severity == "Fatal");
    let mut line = Line::new(2_000);
    line.number("unique_id", 70_001 + number);
    line.number("cnn_intrsctn_fkey", 24_000_000 + u64::from(spot.block) * 1_000);
    line.number("case_id_pkey", 230_000_001 + number);
    if located {
        line.number("tb_latitude", spot.lat);
        line.number("tb_longitude", spot.lon);
    }
    line.text("geocode_source", "Synthetic");
    line.text("geocode_location", "CITY STREET");
    line.time("collision_datetime", time);
    line.time("collision_date", time.map(clock::midnight));
    if time.is_some() {
        line.text("collision_time", &format!("{}:00", clock::hour_minute(moment)));
        line.number("accident_year", clock::year(moment));
        line.text("month", MONTHS[usize::try_from(month).unwrap_or(1) - 1]);
        line.text("day_of_week", clock::weekday_name(moment));
    }
    line.text("time_cat", if dark { "6:01 pm to 10:00 pm" } else { "10:01 am to 2:00 pm" });
    line.text("juris", "3801");
    line.text("reporting_district", place.police);
    line.text("primary_rd", &format!("SYNTHETIC {} ST", spot.street));
    line.text("secondary_rd", "SYNTHETIC AVE");
    line.number("distance", rng.random_range(0..120));
    line.text("direction", one(rng, &["North", "South", "East", "West", "Not Stated"]));
    line.text("weather_1", one(rng, &["Clear", "Clear", "Clear", "Clear", "Cloudy", "Raining"]));
    line.text("weather_2", "Not Stated");
    line.text("collision_severity", severity);
    line.text("type_of_collision", kind);
    line.text("mviw", if pedestrian { "Pedestrian" } else { "Other Motor Vehicle" });
    line.text(
        "ped_action",
        if pedestrian { "Crossing in Crosswalk at Intersection" } else { "No Pedestrian Involved" },
    );
    line.text("road_surface", "Dry");
    line.text("road_cond_1", "No Unusual Condition");
    line.text("lighting", if dark { "Dark - Street Lights" } else { "Daylight" });
    line.text("control_device", one(rng, &["Functioning", "None", "None"]));
    line.text("intersection", one(rng, &["Intersection <= 20ft", "Midblock > 20ft"]));
    line.text("vz_pcf_code", one(rng, &["22350", "21950(a)", "21453(a)", "Unknown"]));
    line.number("number_killed", killed);
    line.number("number_injured", 1 - killed + u32::from(permille(rng, 180)));
    line.text("dph_col_grp", group);
    line.text("dph_col_grp_description", group_text);
    line.text("party_at_fault", "1");
    line.text("party1_type", "Driver");
    line.text("party1_move_pre_acc", one(rng, &["Proceeding Straight", "Making Left Turn", "Making Right Turn"]));
    line.text("party2_type", if pedestrian { "Pedestrian" } else { "Driver" });
    if located {
        line.point("point", spot.lon, spot.lat);
    }
    line.time("data_as_of", Some(clock::LAST_MOMENT - 10 * DAY));
    line.time("data_updated_at", Some(clock::LAST_MOMENT - 9 * DAY));
    line.time("data_loaded_at", Some(clock::local(REPLACED_AT_MS) - MINUTE));
    if located {
        line.text("analysis_neighborhood", place.neighborhood);
        line.number("supervisor_district", place.supervisor);
        line.text("police_district", place.police);
    }
    line.computed_regions_follow();
    if located {
        line.number(":@computed_region_qgnn_b9vv", place.supervisor % 10 + 1);
        line.number(":@computed_region_26cr_cadq", place.supervisor);
    }
    Published { row: line.finish(), at_ms: REPLACED_AT_MS }
}
