//! The types of columns, under the two names a portal gives each of them.

/// A type a published column can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SodaType {
    /// Text.
    Text,
    /// A number, sent as a JSON string.
    Number,
    /// A checkbox, sent as a JSON boolean.
    Checkbox,
    /// A date and time without a zone.
    CalendarDate,
    /// A GeoJSON point.
    Point,
    /// A GeoJSON multipolygon.
    MultiPolygon,
    /// A legacy location: latitude, longitude and a postal address inside a string.
    Location,
    /// A link: `{"url": .., "description": ..}`.
    Url,
}

impl SodaType {
    /// Returns the name in `/api/views/<id>.json`, as `dataTypeName`.
    pub fn metadata_name(self) -> &'static str {
        match self {
            SodaType::Text => "text",
            SodaType::Number => "number",
            SodaType::Checkbox => "checkbox",
            SodaType::CalendarDate => "calendar_date",
            SodaType::Point => "point",
            SodaType::MultiPolygon => "multipolygon",
            SodaType::Location => "location",
            SodaType::Url => "url",
        }
    }

    /// Returns the name in the `X-SODA2-Types` header, which differs for two of them.
    pub fn soda2_name(self) -> &'static str {
        self.kind().name()
    }

    /// Returns the type of that metadata name, if it is one of ours.
    pub fn from_metadata_name(name: &str) -> Option<SodaType> {
        [
            SodaType::Text,
            SodaType::Number,
            SodaType::Checkbox,
            SodaType::CalendarDate,
            SodaType::Point,
            SodaType::MultiPolygon,
            SodaType::Location,
            SodaType::Url,
        ]
        .into_iter()
        .find(|kind| kind.metadata_name() == name)
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            SodaType::Text => Kind::Text,
            SodaType::Number => Kind::Number,
            SodaType::Checkbox => Kind::Bool,
            SodaType::CalendarDate => Kind::Floating,
            SodaType::Point => Kind::Point,
            SodaType::MultiPolygon => Kind::MultiPolygon,
            SodaType::Location => Kind::Location,
            SodaType::Url => Kind::Url,
        }
    }
}

/// A published column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The field name, as in rows and queries.
    pub name: String,
    /// Its type.
    pub kind: SodaType,
}

impl Column {
    /// Creates a column of that name and type.
    pub fn new(name: impl Into<String>, kind: SodaType) -> Column {
        Column { name: name.into(), kind }
    }

    /// Returns whether it is a computed region: a portal omits those from `*` if a query has an order.
    pub(crate) fn is_computed_region(&self) -> bool {
        self.name.starts_with(":@computed_region_")
    }
}

/// The types an expression can have: those of columns and those of the system fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Bool,
    Floating,
    Fixed,
    RowId,
    RowVersion,
    Point,
    MultiPolygon,
    Location,
    Url,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Bool => "boolean",
            Kind::Floating => "floating_timestamp",
            Kind::Fixed => "fixed_timestamp",
            Kind::RowId => "row_identifier",
            Kind::RowVersion => "row_version",
            Kind::Point => "point",
            Kind::MultiPolygon => "multipolygon",
            Kind::Location => "location",
            Kind::Url => "url",
        }
    }
}
