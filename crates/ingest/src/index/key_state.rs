//! The current version of a key, as the index stores it.

/// The counted dimensions of a version: hour, finest cell, and the numbers of the four labels (0 is null).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Dimensions {
    pub(crate) hour: Option<i64>,
    pub(crate) cell: Option<i64>,
    pub(crate) labels: [u32; 4],
}

/// A key's current version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyState {
    pub(crate) hash: [u8; 16],
    pub(crate) updated_at: Option<i64>,
    pub(crate) deleted: bool,
    pub(crate) dimensions: Dimensions,
}

const STATE_BYTES: usize = 16 + 8 + 1 + 8 + 8 + 16;
const NULL: i64 = i64::MIN;

impl KeyState {
    /// Returns the state without a stamp that is after `latest_stamp`.
    pub(crate) fn without_future(self, latest_stamp: i64) -> Self {
        Self { updated_at: self.updated_at.filter(|at| *at <= latest_stamp), ..self }
    }

    pub(crate) fn encode(&self) -> [u8; STATE_BYTES] {
        let mut bytes = [0; STATE_BYTES];
        bytes[..16].copy_from_slice(&self.hash);
        bytes[16..24].copy_from_slice(&self.updated_at.unwrap_or(NULL).to_le_bytes());
        bytes[24] = u8::from(self.deleted);
        bytes[25..33].copy_from_slice(&self.dimensions.hour.unwrap_or(NULL).to_le_bytes());
        bytes[33..41].copy_from_slice(&self.dimensions.cell.unwrap_or(NULL).to_le_bytes());
        for (n, label) in self.dimensions.labels.iter().enumerate() {
            bytes[41 + 4 * n..45 + 4 * n].copy_from_slice(&label.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let long = |at: usize| Some(i64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        let optional = |at: usize| Some(long(at)?).map(|n| (n != NULL).then_some(n));
        let label = |n: usize| Some(u32::from_le_bytes(bytes.get(41 + 4 * n..45 + 4 * n)?.try_into().ok()?));
        Some(Self {
            hash: bytes.get(..16)?.try_into().ok()?,
            updated_at: optional(16)?,
            deleted: *bytes.get(24)? != 0,
            dimensions: Dimensions {
                hour: optional(25)?,
                cell: optional(33)?,
                labels: [label(0)?, label(1)?, label(2)?, label(3)?],
            },
        })
    }
}
