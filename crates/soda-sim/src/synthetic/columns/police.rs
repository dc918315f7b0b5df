//! The columns of the police incidents, as published.

use super::Columns;
use crate::types::SodaType::*;

pub(crate) const COLUMNS: Columns = &[
    ("incident_datetime", CalendarDate),
    ("incident_date", CalendarDate),
    ("incident_time", Text),
    ("incident_year", Text),
    ("incident_day_of_week", Text),
    ("report_datetime", CalendarDate),
    ("row_id", Text),
    ("incident_id", Text),
    ("incident_number", Text),
    ("cad_number", Text),
    ("report_type_code", Text),
    ("report_type_description", Text),
    ("filed_online", Checkbox),
    ("incident_code", Text),
    ("incident_category", Text),
    ("incident_subcategory", Text),
    ("incident_description", Text),
    ("resolution", Text),
    ("intersection", Text),
    ("cnn", Text),
    ("police_district", Text),
    ("analysis_neighborhood", Text),
    ("supervisor_district", Number),
    ("supervisor_district_2012", Number),
    ("latitude", Number),
    ("longitude", Number),
    ("point", Point),
    ("data_as_of", CalendarDate),
    ("data_loaded_at", CalendarDate),
    (":@computed_region_jwn9_ihcz", Number),
    (":@computed_region_jg9y_a9du", Number),
    (":@computed_region_h4ep_8xdi", Number),
];
