//! Columns of the datasets whose metadata is not among the files; titles follow the plain rule.

/// Fatal crashes in San Francisco.
const DAU3: &[(&str, &str)] = &[
    ("unique_id", "text"),
    ("case_id_fkey", "text"),
    ("latitude", "number"),
    ("longitude", "number"),
    ("collision_year", "text"),
    ("death_date", "calendar_date"),
    ("death_time", "text"),
    ("death_datetime", "calendar_date"),
    ("collision_date", "calendar_date"),
    ("collision_time", "text"),
    ("collision_datetime", "calendar_date"),
    ("location", "text"),
    ("age", "number"),
    ("sex", "text"),
    ("deceased", "text"),
    ("collision_type", "text"),
    ("street_type", "text"),
    ("on_vz_hin_2017", "checkbox"),
    ("in_coc_2018", "checkbox"),
    ("publish", "checkbox"),
    ("on_vz_hin_2022", "checkbox"),
    ("in_epa_2021", "checkbox"),
    ("point", "point"),
    ("analysis_neighborhood", "text"),
    ("supervisor_district", "text"),
    ("police_district", "text"),
    ("data_as_of", "calendar_date"),
    ("data_loaded_at", "calendar_date"),
];

/// Crimes in Chicago, complete and in its yearly and homicide views.
const IJZP: &[(&str, &str)] = &[
    ("id", "number"),
    ("case_number", "text"),
    ("date", "calendar_date"),
    ("block", "text"),
    ("iucr", "text"),
    ("primary_type", "text"),
    ("description", "text"),
    ("location_description", "text"),
    ("arrest", "checkbox"),
    ("domestic", "checkbox"),
    ("beat", "text"),
    ("district", "text"),
    ("ward", "number"),
    ("community_area", "text"),
    ("fbi_code", "text"),
    ("x_coordinate", "number"),
    ("y_coordinate", "number"),
    ("year", "number"),
    ("updated_on", "calendar_date"),
    ("latitude", "number"),
    ("longitude", "number"),
    ("location", "point"),
];

/// Returns field names and types, if they are listed here.
pub(super) fn of_dataset(dataset: &str) -> Option<&'static [(&'static str, &'static str)]> {
    match dataset {
        "dau3-4s8f" => Some(DAU3),
        "ijzp-q8t2" => Some(IJZP),
        _ => None,
    }
}
