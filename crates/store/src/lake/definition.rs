//! The properties that are fixed when a lake is created, and their file.

use lake_model::FINEST_RESOLUTION;
use serde::{Deserialize, Serialize};

use crate::objects::checksums::{compute_checksum, to_hex};

/// The layout of folders and tables that this program writes.
pub(crate) const LAKE_FORMAT: u32 = 1;
/// The file of the fixed properties of a lake.
pub const DEFINITION_FILE: &str = "lake.json";

/// The fixed properties of a lake.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LakeDefinition {
    pub(crate) format: u32,
    pub(crate) id: String,
    pub(crate) finest_resolution: u8,
    /// The sum of the other three; lakes made by version 0.1.0 have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blake3: Option<String>,
}

impl LakeDefinition {
    pub(crate) fn new() -> Self {
        let id = uuid::Uuid::new_v4().to_string();
        let mut new = Self { format: LAKE_FORMAT, id, finest_resolution: FINEST_RESOLUTION, blake3: None };
        new.blake3 = Some(new.compute_sum());
        new
    }

    fn compute_sum(&self) -> String {
        to_hex(compute_checksum(format!("{} {} {}", self.format, self.id, self.finest_resolution).as_bytes()))
    }

    pub(crate) fn is_intact(&self) -> bool {
        self.blake3.as_ref().is_none_or(|sum| *sum == self.compute_sum())
    }
}
