//! The resources: their categories, and their rows in the columns that their portals publish.

use crate::incident::{END, Incident, Model};
use crate::kinds::Kinds;
use crate::line::Line;

/// A resource of the lake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Resource {
    #[value(name = "311-cases")]
    Cases,
    #[value(name = "fire-ems-calls")]
    Calls,
    #[value(name = "police-department-incidents")]
    Reports,
    #[value(name = "traffic-crashes")]
    Crashes,
}

impl Resource {
    /// Returns the model of its rows.
    pub(crate) fn model(self, seed: u64, total: u64) -> Model {
        let (kinds, number) = match self {
            Self::Cases => (Kinds::of_cases(), 1),
            Self::Calls => (Kinds::of_calls(), 2),
            Self::Reports => (Kinds::of_reports(), 3),
            Self::Crashes => (Kinds::of_crashes(), 4),
        };
        Model::new(kinds, seed.wrapping_mul(8).wrapping_add(number), total)
    }

    /// Appends an incident as JSON. `notes` is a text of any length that a row of the resource may have.
    pub(crate) fn write_row(self, out: &mut Vec<u8>, model: &Model, incident: &Incident<'_>, notes: &str) {
        let mut line = Line::begin(out);
        let number = incident.number;
        line.formatted(":id", format_args!("row-{:08x}-{:08x}", number.wrapping_mul(2_654_435_761) >> 32, number));
        line.utc(":updated_at", incident.updated);
        match self {
            Self::Cases => write_case(&mut line, model, incident, notes),
            Self::Calls => write_call(&mut line, model, incident, notes),
            Self::Reports => write_report(&mut line, model, incident, notes),
            Self::Crashes => write_crash(&mut line, model, incident, notes),
        }
        line.time("data_as_of", Some(END + 3_600));
        line.time("data_loaded_at", Some(END + 7_200));
        line.end();
    }
}

fn status(incident: &Incident<'_>) -> &'static str {
    if incident.closed.is_some() { "Closed" } else { "Open" }
}

fn write_geojson(line: &mut Line<'_>, name: &str, incident: &Incident<'_>) {
    if let Some(point) = incident.point {
        let (x, y, decimals) = (point.longitude, point.latitude, point.decimals);
        line.json(name, format_args!(r#"{{"type":"Point","coordinates":[{x:.decimals$},{y:.decimals$}]}}"#));
    }
}

fn write_case(line: &mut Line<'_>, model: &Model, incident: &Incident<'_>, notes: &str) {
    let (address, city) = (incident.address, &model.city);
    line.number("service_request_id", 10_000_000 + incident.number);
    line.time("requested_datetime", incident.occurred);
    line.time("closed_date", incident.closed);
    line.time("updated_datetime", incident.closed.or(incident.occurred));
    line.text("status_description", status(incident));
    line.formatted("status_notes", format_args!("Synthetic row, nothing of this happened. {notes}"));
    line.formatted("agency_responsible", format_args!("{} Queue", incident.category.name));
    line.text("service_name", &incident.category.name);
    line.text("service_subtype", incident.subcategory);
    line.text("service_details", incident.subcategory);
    if let Some(point) = incident.point {
        let (x, y, decimals) = (point.longitude, point.latitude, point.decimals);
        line.formatted("address", format_args!("Block {} of {} St", address.block, address.street));
        line.formatted("street", format_args!("{} St", address.street));
        line.number("supervisor_district", address.district as u64 + 1);
        line.text("neighborhoods_sffind_boundaries", city.neighborhood(address));
        line.text("analysis_neighborhood", city.neighborhood(address));
        line.text("police_district", city.district(address));
        line.formatted("lat", format_args!("{y:.decimals$}"));
        line.formatted("long", format_args!("{x:.decimals$}"));
        line.json("point", format_args!(r#"{{"latitude":"{y:.decimals$}","longitude":"{x:.decimals$}"}}"#));
        write_geojson(line, "point_geom", incident);
    } else {
        line.text("address", "Not associated with a specific address");
        line.text("lat", "0.000000000000");
        line.text("long", "0.000000000000");
    }
    line.text("source", if incident.number.is_multiple_of(3) { "Web" } else { "Mobile" });
}

fn write_call(line: &mut Line<'_>, model: &Model, incident: &Incident<'_>, notes: &str) {
    let (address, city) = (incident.address, &model.city);
    let call = 80_000_000 + incident.number / 2;
    let unit = incident.number % 2 + 1;
    let after = |seconds: i64| incident.occurred.map(|at| at + seconds);
    line.number("call_number", call);
    line.formatted("unit_id", format_args!("E{unit:02}"));
    line.number("incident_number", call + 1_000);
    line.text("call_type", &incident.category.name);
    line.time("received_dttm", incident.occurred);
    line.time("entry_dttm", after(61));
    line.time("dispatch_dttm", after(127));
    line.time("response_dttm", after(240));
    line.time("on_scene_dttm", after(611));
    line.time("available_dttm", incident.closed);
    line.text("call_final_disposition", status(incident));
    line.formatted("address", format_args!("Block {} of {} St {notes}", address.block, address.street));
    line.text("city", "Synthetic");
    line.text("battalion", city.district(address));
    line.text("neighborhoods_analysis_boundaries", city.neighborhood(address));
    line.text("call_type_group", incident.subcategory);
    line.text("unit_type", "ENGINE");
    line.number("unit_sequence_in_call_dispatch", unit);
    line.formatted("rowid", format_args!("{call}-E{unit:02}"));
    write_geojson(line, "case_location", incident);
}

fn write_report(line: &mut Line<'_>, model: &Model, incident: &Incident<'_>, notes: &str) {
    let (address, city) = (incident.address, &model.city);
    // Reports are to the minute.
    line.time("incident_datetime", incident.occurred.map(|at| at - at.rem_euclid(60)));
    line.time("report_datetime", incident.closed.or(incident.occurred));
    line.formatted("row_id", format_args!("{}0{:04}", 1_000_000 + incident.number, incident.number % 97));
    line.number("incident_id", 1_000_000 + incident.number);
    line.number("incident_number", 230_000_000 + incident.number);
    line.text("report_type_description", "Synthetic");
    line.text("incident_category", &incident.category.name);
    line.text("incident_subcategory", incident.subcategory);
    line.formatted("incident_description", format_args!("{} {notes}", incident.subcategory));
    line.text("resolution", status(incident));
    if let Some(point) = incident.point {
        let (x, y, decimals) = (point.longitude, point.latitude, point.decimals);
        line.text("police_district", city.district(address));
        line.text("analysis_neighborhood", city.neighborhood(address));
        line.formatted("latitude", format_args!("{y:.decimals$}"));
        line.formatted("longitude", format_args!("{x:.decimals$}"));
        write_geojson(line, "point", incident);
    }
}

fn write_crash(line: &mut Line<'_>, model: &Model, incident: &Incident<'_>, notes: &str) {
    let (address, city) = (incident.address, &model.city);
    line.number("unique_id", 50_000 + incident.number);
    line.time("collision_datetime", incident.occurred.map(|at| at - at.rem_euclid(60)));
    line.formatted("primary_rd", format_args!("{} St {notes}", address.street));
    line.text("collision_severity", &incident.category.name);
    line.text("type_of_collision", incident.subcategory);
    line.number("number_injured", incident.number % 3 + 1);
    // The only column by which a changed row of a crash always differs.
    line.formatted("case_id_pkey", format_args!("{}-{}", incident.number, incident.updated));
    line.text("police_district", city.district(address));
    line.text("analysis_neighborhood", city.neighborhood(address));
    write_geojson(line, "point", incident);
}
