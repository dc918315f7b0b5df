//! What counts can be grouped and filtered by.

use datafusion::logical_expr::{Expr, ScalarUDF};
use datafusion::prelude::{col, lit};
use lake_model::FINEST_RESOLUTION;

use crate::question::bucket::{TimePrecision, hour, weekday};

/// One way to tell incidents apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    Resource,
    Cell,
    Time,
    Category,
    Subcategory,
    District,
    Neighborhood,
    Hour,
    Weekday,
}

impl Dimension {
    /// Every dimension, in the order in which they are listed.
    pub(crate) const ALL: [Self; 9] = [
        Self::Resource,
        Self::Cell,
        Self::Time,
        Self::Category,
        Self::Subcategory,
        Self::District,
        Self::Neighborhood,
        Self::Hour,
        Self::Weekday,
    ];

    /// Those that are labels: a column of text, filtered by the parameter of the same name.
    pub(crate) const LABELS: [Self; 4] = [Self::Category, Self::Subcategory, Self::District, Self::Neighborhood];

    /// Whether it tells places apart.
    pub(crate) fn is_place(self) -> bool {
        matches!(self, Self::Cell | Self::District | Self::Neighborhood)
    }

    /// Its name in `group_by`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            other => other.member(),
        }
    }

    /// Its member in the answer.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Cell => "cell",
            Self::Time => "occurred_at",
            Self::Category => "category",
            Self::Subcategory => "subcategory",
            Self::District => "district",
            Self::Neighborhood => "neighborhood",
            Self::Hour => "hour",
            Self::Weekday => "weekday",
        }
    }

    /// Its value over the columns of `counts` or `incidents`, under its member's name.
    pub(crate) fn value(self, resolution: u8, precision: TimePrecision, parent: &ScalarUDF) -> Expr {
        let value = match self {
            Self::Cell if resolution < FINEST_RESOLUTION => parent.call(vec![col("cell"), lit(i64::from(resolution))]),
            Self::Time => precision.bucket(col("occurred_at")),
            Self::Hour => hour(col("occurred_at")),
            Self::Weekday => weekday(col("occurred_at")),
            stored => col(stored.member()),
        };
        value.alias(self.member())
    }
}
