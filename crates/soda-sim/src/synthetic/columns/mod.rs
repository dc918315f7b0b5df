//! The columns of the datasets under their real names and types. A dataset has at most three computed regions: others
//! would differ only in their names.

pub(crate) mod calls;
pub(crate) mod cases;
pub(crate) mod crashes;
pub(crate) mod fires;
pub(crate) mod police;

use crate::types::SodaType;

/// A list of columns.
pub(crate) type Columns = &'static [(&'static str, SodaType)];
