//! The dimensions that counts are grouped and filtered by.

use datafusion::logical_expr::{Expr, ScalarUDF};
use datafusion::prelude::{col, lit};
use lake_model::FINEST_RESOLUTION;
use strum::{EnumString, IntoStaticStr, VariantNames};

use crate::time_bucket::{TimePrecision, day_of_week, hour_of_day};

/// A dimension of counts, in the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Dimension {
    /// The resource.
    Resource,
    /// The H3 cell.
    Cell,
    /// The time bucket.
    Time,
    /// The category.
    Category,
    /// The subcategory.
    Subcategory,
    /// The district.
    District,
    /// The neighborhood.
    Neighborhood,
    /// The hour of the day, 0 to 23.
    Hour,
    /// The ISO day of the week, 1 (Monday) to 7.
    Weekday,
}

impl Dimension {
    /// The names of all dimensions.
    pub const NAMES: &'static [&'static str] = Self::VARIANTS;

    /// The labels: columns of text, each filtered by the parameter of its name.
    pub const LABELS: [Self; 4] = [Self::Category, Self::Subcategory, Self::District, Self::Neighborhood];

    /// Returns whether the dimension is a place.
    pub fn is_place(self) -> bool {
        matches!(self, Self::Cell | Self::District | Self::Neighborhood)
    }

    /// Returns the name in `group_by`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the name of the column in an answer.
    pub fn column(self) -> &'static str {
        match self {
            Self::Time => "occurred_at",
            other => other.name(),
        }
    }

    /// Returns the expression over the columns of `counts` or `incidents`, named like the column of the answer.
    pub fn expression(self, resolution: u8, precision: TimePrecision, parent: &ScalarUDF) -> Expr {
        let value = match self {
            Self::Cell if resolution < FINEST_RESOLUTION => parent.call(vec![col("cell"), lit(i64::from(resolution))]),
            Self::Time => precision.bucket_start(col("occurred_at")),
            Self::Hour => hour_of_day(col("occurred_at")),
            Self::Weekday => day_of_week(col("occurred_at")),
            stored => col(stored.column()),
        };
        value.alias(self.column())
    }
}
