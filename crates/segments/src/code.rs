//! The number of a value of a dimension.

/// The number of a value in every segment of a process.
pub type Code = u32;

/// The code of null.
pub const NULL_CODE: Code = 0;
