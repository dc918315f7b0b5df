//! Questions that decoded counts and incidents answer, without the engine: see [`lake_segments`].
//!
//! The plans of `plan.rs` answer the same questions with the same rows. They are used where nothing is kept decoded, and
//! where a question has more groups than are held in memory.

mod answer;
mod codes;
mod counted_files;

pub use answer::{CountedRows, count_rows};
