//! The columns of the 311 cases, as published.

use super::Columns;
use crate::types::SodaType::*;

pub(crate) const COLUMNS: Columns = &[
    ("service_request_id", Number),
    ("requested_datetime", CalendarDate),
    ("closed_date", CalendarDate),
    ("updated_datetime", CalendarDate),
    ("status_description", Text),
    ("status_notes", Text),
    ("agency_responsible", Text),
    ("service_name", Text),
    ("service_subtype", Text),
    ("service_details", Text),
    ("address", Text),
    ("street", Text),
    ("supervisor_district", Number),
    ("neighborhoods_sffind_boundaries", Text),
    ("analysis_neighborhood", Text),
    ("police_district", Text),
    ("lat", Number),
    ("long", Number),
    ("point", Location),
    ("point_geom", Point),
    ("source", Text),
    ("media_url", Url),
    ("bos_2012", Number),
    ("data_as_of", CalendarDate),
    ("data_loaded_at", CalendarDate),
    (":@computed_region_qgnn_b9vv", Number),
    (":@computed_region_26cr_cadq", Number),
    (":@computed_region_ajp5_b2md", Number),
];
