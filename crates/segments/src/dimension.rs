//! The dimensions of counts but for the resource and the time.

/// A dimension that segments have a column of codes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The H3 cell at the finest resolution.
    Cell,
    /// The category.
    Category,
    /// The subcategory.
    Subcategory,
    /// The district.
    District,
    /// The neighborhood.
    Neighborhood,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 5] = [Self::Cell, Self::Category, Self::Subcategory, Self::District, Self::Neighborhood];

    /// The dimensions whose values are texts.
    pub const LABELS: [Self; 4] = [Self::Category, Self::Subcategory, Self::District, Self::Neighborhood];

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Cell => 0,
            Self::Category => 1,
            Self::Subcategory => 2,
            Self::District => 3,
            Self::Neighborhood => 4,
        }
    }
}

/// Some of the dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DimensionSet(u8);

impl DimensionSet {
    /// Returns the set of every dimension.
    pub fn all() -> Self {
        Dimension::ALL.into_iter().collect()
    }

    /// Returns whether a dimension is in the set.
    pub fn contains(self, dimension: Dimension) -> bool {
        self.0 & (1 << dimension.index()) != 0
    }

    /// Returns whether one of the labels is in the set.
    pub(crate) fn contains_label(self) -> bool {
        Dimension::LABELS.into_iter().any(|label| self.contains(label))
    }
}

impl FromIterator<Dimension> for DimensionSet {
    fn from_iter<I: IntoIterator<Item = Dimension>>(dimensions: I) -> Self {
        Self(dimensions.into_iter().fold(0, |set, dimension| set | 1 << dimension.index()))
    }
}
