//! The columns of a dataset for kind, time, place and labels.

/// West, south, east, north in degrees; all four edges belong to it.
pub type Bounds = [f64; 4];

/// The bounds of San Francisco's incidents.
pub const SAN_FRANCISCO: Bounds = [-123.20, 37.40, -122.00, 38.00];

/// The bounds of Chicago's incidents.
pub const CHICAGO: Bounds = [-88.10, 41.50, -87.30, 42.20];

/// Where a row's place is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A latitude column and a longitude column.
    LatLng(String, String),
    /// One column holding a point; the first of these names that a row has.
    Point(Vec<String>),
}

impl Place {
    /// Creates the role of a place in a latitude column and a longitude column.
    #[must_use]
    pub fn lat_lng(lat: &str, lng: &str) -> Self {
        Self::LatLng(lat.to_owned(), lng.to_owned())
    }

    /// Creates the role of a place in a point column, under its name and its older names.
    #[must_use]
    pub fn point(names: &[&str]) -> Self {
        Self::Point(names.iter().map(|&name| name.to_owned()).collect())
    }
}

/// The columns of a dataset that counting needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Roles {
    /// The column that identifies a row.
    pub key: String,
    /// The column of the time of occurrence.
    pub time: String,
    /// Where it happened.
    pub place: Place,
    /// The column of the kind.
    pub category: String,
    /// A place outside is not a place.
    pub bounds: Option<Bounds>,
}

impl Roles {
    /// Roles by column names.
    #[must_use]
    pub fn new(key: &str, time: &str, place: Place, category: &str, bounds: Option<Bounds>) -> Self {
        Self { key: key.to_owned(), time: time.to_owned(), place, category: category.to_owned(), bounds }
    }

    /// Returns the roles of a published dataset, by its four-by-four id.
    ///
    /// # Panics
    /// When no roles are written down for that id.
    #[must_use]
    pub fn of_dataset(id: &str) -> Self {
        let lat_lng = || Place::lat_lng("latitude", "longitude");
        let point = || Place::point(&["point"]);
        let (key, time, place, category, bounds) = match id {
            "vw6y-z8j6" => (
                "service_request_id",
                "requested_datetime",
                Place::lat_lng("lat", "long"),
                "service_name",
                SAN_FRANCISCO,
            ),
            "nuek-vuh3" => {
                ("rowid", "received_dttm", Place::point(&["case_location", "location"]), "call_type", SAN_FRANCISCO)
            }
            "wr8u-xric" => ("id", "alarm_dttm", point(), "primary_situation", SAN_FRANCISCO),
            "wg3w-h783" => ("row_id", "incident_datetime", lat_lng(), "incident_category", SAN_FRANCISCO),
            "ubvf-ztfx" => ("unique_id", "collision_datetime", point(), "collision_severity", SAN_FRANCISCO),
            "dau3-4s8f" => ("unique_id", "collision_datetime", lat_lng(), "collision_type", SAN_FRANCISCO),
            "ijzp-q8t2" => ("id", "date", lat_lng(), "primary_type", CHICAGO),
            _ => panic!("no roles are written down for the dataset {id}"),
        };
        Self::new(key, time, place, category, Some(bounds))
    }
}
