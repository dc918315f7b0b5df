//! Calls to the fire department and the ambulances: one row for every unit sent.

use rand::RngExt;
use rand::rngs::StdRng;

use super::Published;
use super::clock::{self, CALLS, HOUR, known, published};
use super::line::Line;
use super::pick::{Weighted, one, permille};
use super::places::{Atlas, Spot};

/// A type of call: its share, its group, how it ends, and how many units go.
struct Kind {
    name: &'static str,
    weight: u32,
    group: &'static str,
    dispositions: &'static [&'static str],
    units: usize,
}

const fn kind(
    name: &'static str,
    weight: u32,
    group: &'static str,
    dispositions: &'static [&'static str],
    units: usize,
) -> Kind {
    Kind { name, weight, group, dispositions, units }
}

const MEDICAL: &[&str] = &[
    "Code 2 Transport",
    "Code 2 Transport",
    "Code 2 Transport",
    "Patient Declined Transport",
    "No Merit",
    "Code 3 Transport",
    "Against Medical Advice",
    "Unable to Locate",
];

const KINDS: [Kind; 12] = [
    kind("Medical Incident", 420, "Potentially Life-Threatening", MEDICAL, 2),
    kind("Medical Incident", 290, "Non Life-threatening", MEDICAL, 2),
    kind("Alarms", 132, "Alarm", &["Fire", "Fire", "Cancelled"], 3),
    kind("Structure Fire", 48, "Alarm", &["Fire"], 6),
    kind("Traffic Collision", 34, "Potentially Life-Threatening", &["Code 2 Transport", "No Merit"], 2),
    kind("Outside Fire", 26, "Fire", &["Fire", "No Merit"], 1),
    kind("Other", 18, "Alarm", &["Other", "Fire"], 1),
    kind("Citizen Assist / Service Call", 14, "Alarm", &["Fire"], 1),
    kind("Gas Leak (Natural and LP Gases)", 8, "Alarm", &["Fire"], 2),
    kind("Water Rescue", 4, "Alarm", &["Fire", "Cancelled"], 5),
    kind("Electrical Hazard", 3, "Alarm", &["Fire"], 1),
    kind("Vehicle Fire", 3, "Fire", &["Fire"], 2),
];

const UNITS: [(&str, &str); 6] =
    [("E", "ENGINE"), ("M", "MEDIC"), ("T", "TRUCK"), ("B", "CHIEF"), ("RC", "RESCUE CAPTAIN"), ("RS", "RESCUE SQUAD")];

pub(crate) fn rows(count: usize, rng: &mut StdRng) -> Vec<Published> {
    let kinds = Weighted::new(KINDS.iter().map(|kind| kind.weight));
    let atlas = Atlas::new(65);
    // A call has as many rows as units were sent to it, so the calls come first.
    let mut calls = Vec::new();
    let mut left = count;
    while left > 0 {
        let kind = &KINDS[kinds.pick(rng)];
        let units = rng.random_range(1..=kind.units).min(left);
        left -= units;
        calls.push((kind, units));
    }
    let mut rows = Vec::with_capacity(count);
    let moments = clock::moments(calls.len(), &CALLS, rng);
    for (number, ((kind, units), received)) in calls.into_iter().zip(moments).enumerate() {
        let spot = atlas.spot(rng);
        let call = Call { number, received, kind, spot, disposition: one(rng, kind.dispositions) };
        rows.extend((1..=units).map(|sequence| call.unit(sequence, rng)));
    }
    rows
}

struct Call {
    number: usize,
    received: i64,
    kind: &'static Kind,
    spot: Spot,
    disposition: &'static str,
}

impl Call {
    fn unit(&self, sequence: usize, rng: &mut StdRng) -> Published {
        let place = self.spot.place;
        let (letters, unit_type) = UNITS[(self.number + sequence) % UNITS.len()];
        let station = usize::from(place.supervisor) * 4 - 3;
        let unit = format!("{letters}{:02}", station + sequence * 7 % 40);
        let seconds = |rng: &mut StdRng, from: i64, to: i64| rng.random_range(from..to) * 1_000;
        let entry = self.received + seconds(rng, 30, 150);
        let dispatch = entry + seconds(rng, 5, 300);
        let response = dispatch + seconds(rng, 20, 180);
        let on_scene = (!permille(rng, 160)).then(|| response + seconds(rng, 90, 900));
        let transported = self.disposition.ends_with("Transport") && letters == "M";
        let transport = on_scene.filter(|_| transported).map(|at| at + seconds(rng, 400, 1_800));
        let hospital = transport.map(|at| at + seconds(rng, 300, 1_500));
        let available = hospital.or(on_scene).unwrap_or(response) + seconds(rng, 200, 3_000);
        let at_ms = published(available, self.number as u64);
        let loaded = clock::local(at_ms);
        let priority = if self.kind.group.starts_with("Non") { "2" } else { "3" };
        let mut line = Line::new(1_500);
        line.number("call_number", 230_010_001 + self.number);
        line.text("unit_id", &unit);
        line.number("incident_number", 23_000_001 + self.number);
        line.text("call_type", self.kind.name);
        line.time("call_date", Some(clock::midnight(self.received)));
        line.time("watch_date", Some(clock::midnight(self.received - 8 * HOUR)));
        line.time("received_dttm", known(rng, self.received));
        line.time("entry_dttm", Some(entry));
        line.time("dispatch_dttm", Some(dispatch));
        line.time("response_dttm", Some(response));
        line.time("on_scene_dttm", on_scene);
        line.time("transport_dttm", transport);
        line.time("hospital_dttm", hospital);
        line.text("call_final_disposition", self.disposition);
        line.time("available_dttm", Some(available));
        line.text("address", &format!("Synthetic block of {} {} ST", self.spot.block, self.spot.street));
        line.text("city", "San Francisco");
        line.text("zipcode_of_incident", place.zip);
        line.text("battalion", &format!("B{:02}", place.supervisor % 10 + 1));
        line.text("station_area", &format!("{station:02}"));
        line.text("box", &format!("{:04}", station * 100 + self.number % 97));
        line.text("original_priority", one(rng, &["3", "3", "2", "A", "B", "E"]));
        line.text("priority", priority);
        line.text("final_priority", priority);
        line.flag("als_unit", letters == "M" || letters == "E");
        line.text("call_type_group", self.kind.group);
        line.number("number_of_alarms", 1);
        line.text("unit_type", unit_type);
        line.number("unit_sequence_in_call_dispatch", sequence);
        line.number("fire_prevention_district", place.supervisor % 10 + 1);
        line.number("supervisor_district", place.supervisor);
        line.text("neighborhoods_analysis_boundaries", place.neighborhood);
        line.text("rowid", &format!("{}-{unit}", 230_010_001 + self.number));
        if !self.number.is_multiple_of(180) {
            line.point("case_location", self.spot.lon, self.spot.lat);
        }
        line.time("data_as_of", Some(available + 40_000));
        line.time("data_loaded_at", Some(loaded));
        line.computed_regions_follow();
        line.number(":@computed_region_ajp5_b2md", place.supervisor + 20);
        Published { row: line.finish(), at_ms }
    }
}
