//! The columns that a raw table has in addition to the declared ones: the one list that pages, tables, landing and its
//! queries follow.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::ColumnType;

/// A column that landing adds to the declared columns of a raw row, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
pub enum RawColumn {
    /// JSON: members without a column and values that do not fit theirs; of a reject, the row as published.
    #[strum(serialize = "_extra")]
    Extra,
    /// The key; null in a reject.
    #[strum(serialize = "_key")]
    Key,
    /// The portal's `:id`.
    #[strum(serialize = "_portal_id")]
    PortalId,
    /// The portal's `:updated_at`, UTC.
    #[strum(serialize = "_updated_at")]
    UpdatedAt,
    /// The batch that landed the row.
    #[strum(serialize = "_batch")]
    Batch,
    /// The row's number within its batch.
    #[strum(serialize = "_row")]
    Row,
    /// When the batch landed, UTC.
    #[strum(serialize = "_landed_at")]
    LandedAt,
    /// The content hash.
    #[strum(serialize = "_hash")]
    Hash,
    /// Whether the row is a tombstone.
    #[strum(serialize = "_deleted")]
    Deleted,
    /// Why the row could not be used; null in usable rows.
    #[strum(serialize = "_reject")]
    Reject,
    /// The month of landing, by which the table is partitioned.
    #[strum(serialize = "_landed_month")]
    LandedMonth,
}

impl RawColumn {
    /// Returns every column, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::VARIANTS.iter().copied()
    }

    /// Returns the columns that a decoded page has, in the order of the table. Landing adds the others.
    pub fn of_page() -> impl Iterator<Item = Self> {
        Self::all().filter(|column| match column {
            Self::Extra | Self::Key | Self::PortalId | Self::UpdatedAt | Self::Hash => true,
            Self::Batch | Self::Row | Self::LandedAt | Self::Deleted | Self::Reject | Self::LandedMonth => false,
        })
    }

    /// Returns the column with a name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Returns the column's name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the type of its values.
    pub fn kind(self) -> ColumnType {
        match self {
            Self::Extra | Self::Key | Self::PortalId | Self::Hash | Self::Reject | Self::LandedMonth => {
                ColumnType::Text
            }
            Self::Batch | Self::Row => ColumnType::Integer,
            Self::UpdatedAt | Self::LandedAt => ColumnType::Timestamp,
            Self::Deleted => ColumnType::Boolean,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_columns_and_are_not_declared_ones() {
        for column in RawColumn::all() {
            assert_eq!(RawColumn::from_name(column.name()), Some(column));
            assert!(column.name().starts_with('_'), "declared columns cannot begin so: {}", column.name());
        }
        assert_eq!(RawColumn::from_name("id"), None);
    }
}
