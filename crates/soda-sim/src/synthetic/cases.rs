//! Requests to 311.

use rand::RngExt;
use rand::rngs::StdRng;

use super::Published;
use super::clock::{self, HOUR, MINUTE, REQUESTS, known, published};
use super::line::Line;
use super::pick::{Weighted, one, permille};
use super::places::Atlas;

/// A service: its name, its share, the agency that answers, its kinds, and the median hours until closed.
struct Service {
    name: &'static str,
    weight: u32,
    agency: &'static str,
    subtypes: &'static [&'static str],
    details: &'static [&'static str],
    hours: u32,
}

const fn service(
    name: &'static str,
    weight: u32,
    agency: &'static str,
    subtypes: &'static [&'static str],
    details: &'static [&'static str],
    hours: u32,
) -> Service {
    Service { name, weight, agency, subtypes, details, hours }
}

const SERVICES: [Service; 14] = [
    service(
        "Street and Sidewalk Cleaning",
        372,
        "DPW Ops Queue",
        &["Bulky Items", "General Cleaning", "Human or Animal Waste", "Hazardous Materials"],
        &["Mattress", "Furniture", "Other Loose Garbage", "Glass", "Boxed or Bagged Items"],
        20,
    ),
    service(
        "Parking Enforcement",
        124,
        "Parking Enforcement Dispatch Queue",
        &["Other Illegal Parking", "Blocking Driveway Cite & Tow", "Blocking Sidewalk"],
        &["Blocking Driveway - Silver - Sedan", "Parking on Sidewalk", "Double Parking"],
        3,
    ),
    service(
        "Graffiti",
        98,
        "DPW Ops Queue",
        &["Graffiti on Building_commercial", "Graffiti on Sidewalk_in front", "Graffiti on Pole"],
        &["Building_commercial - Not_Offensive", "Pole - Not_Offensive", "Sidewalk - Offensive"],
        90,
    ),
    service(
        "Encampments",
        72,
        "HSOC Queue",
        &["Encampment Reports", "Encampment Cleanup"],
        &["Encampment Reports", "Cart Pickup"],
        30,
    ),
    service(
        "Abandoned Vehicle",
        48,
        "DPT Abandoned Vehicles Work Queue",
        &["Abandoned Vehicles", "Abandoned Vehicle - Car4door"],
        &["White - Van", "Grey - Sedan", "Black - Truck"],
        120,
    ),
    service(
        "General Request - MTA",
        40,
        "MTA - General Queue",
        &["request_for_service", "complaint"],
        &["mta - request_for_service", "mta - complaint"],
        260,
    ),
    service(
        "General Request - PUBLIC WORKS",
        38,
        "DPW Ops Queue",
        &["request_for_service", "other"],
        &["bsm - request_for_service"],
        200,
    ),
    service(
        "Noise Report",
        34,
        "Noise Report Queue",
        &["other_excessive_noise", "amplified_sound_electronics"],
        &["construction", "music"],
        140,
    ),
    service(
        "Illegal Postings",
        32,
        "DPW Ops Queue",
        &["Illegal Postings - Posting_Too_Large"],
        &["Posted on Pole"],
        60,
    ),
    service(
        "Sewer Issues",
        30,
        "PUC Sewer Ops",
        &["Flooding", "Sewage_back_up", "Catch_basin_odor"],
        &["Street", "Residential"],
        26,
    ),
    service(
        "Tree Maintenance",
        30,
        "DPW BUF Queue",
        &["Trees - Overgrown_Tree", "Trees - Damaged_Tree", "Trees - Blocking"],
        &["Hanging_limb", "Near_communication_line"],
        700,
    ),
    service("Streetlights", 28, "PUC Streetlights Queue", &["Streetlight - Light_Burnt_Out"], &["One light"], 180),
    service(
        "Litter Receptacles",
        26,
        "Recology_Overflowing",
        &["Cans_Left_Out_24x7", "Overflowing_City_Receptacle"],
        &["Overflowing"],
        12,
    ),
    service(
        "Damaged Property",
        24,
        "DPT SignShop Queue",
        &["Damaged Traffic_Signal", "Damaged Parking_Meter"],
        &["Other"],
        220,
    ),
];

const LAST: i64 = clock::LAST_MOMENT;

pub(crate) fn rows(count: usize, rng: &mut StdRng) -> Vec<Published> {
    let services = Weighted::new(SERVICES.iter().map(|service| service.weight));
    let atlas = Atlas::new(45);
    clock::moments(count, &REQUESTS, rng)
        .into_iter()
        .enumerate()
        .map(|(number, opened)| case(number, opened, &SERVICES[services.pick(rng)], &atlas, rng))
        .collect()
}

fn case(number: usize, opened: i64, service: &Service, atlas: &Atlas, rng: &mut StdRng) -> Published {
    let spot = atlas.spot(rng);
    let unlocated = permille(rng, 17);
    // Half are closed within the median, a few take a very long time.
    let patience = rng.random_range(0.02_f64..1.0).powi(3) * 8.0;
    let minutes = (f64::from(service.hours) * 60.0 * patience).round();
    #[expect(clippy::cast_possible_truncation, reason = "at most some thousand hours, in minutes")]
    let closed = opened + (minutes as i64) * MINUTE + 7_000;
    let closed = (closed < LAST && !permille(rng, 30)).then_some(closed);
    let updated = closed.unwrap_or((opened + 2 * HOUR).min(LAST));
    let at_ms = published(updated, number as u64);
    let loaded = clock::local(at_ms);
    let mut line = Line::new(1_300);
    line.number("service_request_id", 15_900_000 + number);
    line.time("requested_datetime", known(rng, opened));
    line.time("closed_date", closed);
    line.time("updated_datetime", Some(updated));
    line.text("status_description", if closed.is_some() { "Closed" } else { "Open" });
    if closed.is_some() {
        line.text("status_notes", "Synthetic demo row - Case Resolved: nothing of this happened, nobody was sent.");
    } else {
        line.text("status_notes", "Synthetic demo row - accepted");
    }
    line.text("agency_responsible", service.agency);
    line.text("service_name", service.name);
    line.text("service_subtype", one(rng, service.subtypes));
    line.text("service_details", one(rng, service.details));
    if unlocated {
        line.text("address", "Not associated with a specific address (synthetic)");
        line.text("lat", "0.000000000000");
        line.text("long", "0.000000000000");
        line.location("point", "0.0", "0.0");
    } else {
        let place = spot.place;
        line.text("address", &format!("Synthetic block of {} {} ST", spot.block, spot.street));
        line.text("street", &format!("{} ST", spot.street));
        line.number("supervisor_district", place.supervisor);
        line.text("neighborhoods_sffind_boundaries", place.neighborhood);
        line.text("analysis_neighborhood", place.neighborhood);
        line.text("police_district", place.police);
        let (lat, lon) = (format!("{:.9}", spot.lat), format!("{:.9}", spot.lon));
        line.text("lat", &lat);
        line.text("long", &lon);
        line.location("point", &lon[..lon.len() - 1], &lat[..lat.len() - 1]);
        line.point("point_geom", spot.lon, spot.lat);
    }
    line.text("source", "Synthetic");
    if permille(rng, 380) {
        line.url("media_url", &format!("https://synthetic.invalid/media/{number}.jpg"));
    }
    if !unlocated {
        line.number("bos_2012", spot.place.supervisor);
    }
    line.time("data_as_of", Some(clock::midnight(loaded) + HOUR));
    line.time("data_loaded_at", Some(loaded));
    line.computed_regions_follow();
    if !unlocated {
        line.number(":@computed_region_qgnn_b9vv", spot.place.supervisor % 10 + 1);
        line.number(":@computed_region_26cr_cadq", spot.place.supervisor);
    }
    Published { row: line.finish(), at_ms }
}
