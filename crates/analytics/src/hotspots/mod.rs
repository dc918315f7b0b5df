//! Cells that are hot or cold beyond chance, and their trend: the engine counts, the rest is computed from the counts.
//! The statistics do not depend on cells, questions or the engine; `docs/hotspots.md` explains their formulas.

mod answer;
mod benjamini_hochberg;
mod compute;
mod gi_star;
mod mann_kendall;
mod months;
mod normal;
mod request;
mod rows;
mod study_area;

pub use answer::{HotspotsAnswer, answer_hotspots};
pub use request::{HOTSPOTS_PARAMETERS, HotspotsRequest};
