//! The columns of the datasets under their real names and types. Of the computed regions a
//! dataset keeps at most three: they differ in nothing but their names.

pub(crate) mod calls;
pub(crate) mod cases;
pub(crate) mod crashes;
pub(crate) mod fires;
pub(crate) mod police;

use crate::types::SodaType;

/// A list of columns.
pub(crate) type Columns = &'static [(&'static str, SodaType)];
