//! A synthetic San Francisco: five datasets of incidents and four of boundaries under their real ids, with real columns
//! and invented rows. None of it happened; every row of incidents is marked as synthetic. The same number of rows and
//! the same seed give the same city, byte for byte.

mod boundaries;
mod calls;
mod cases;
mod clock;
mod columns;
mod crashes;
mod fires;
mod line;
mod pick;
mod places;
mod police;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::portal::Portal;
use crate::types::Column;
pub use boundaries::{BOUNDARIES, SyntheticBoundaries};
use line::Rendered;

/// A dataset of the made-up city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticDataset {
    /// Its id on the portal.
    pub id: &'static str,
    /// A short name for it.
    pub resource: &'static str,
    /// Its title on the portal.
    pub name: &'static str,
    /// Its share of all rows, in percent.
    pub share_percent: u8,
    /// Whether its publisher replaces all rows at once, so that they share one `:updated_at`.
    pub full_replace: bool,
}

/// The datasets of the made-up city.
pub const DATASETS: [SyntheticDataset; 5] = [
    SyntheticDataset {
        id: "vw6y-z8j6",
        resource: "311-cases",
        name: "311 Cases",
        share_percent: 45,
        full_replace: false,
    },
    SyntheticDataset {
        id: "nuek-vuh3",
        resource: "fire-ems-calls",
        name: "Fire Department and Emergency Medical Services Dispatched Calls for Service",
        share_percent: 25,
        full_replace: false,
    },
    SyntheticDataset {
        id: "wr8u-xric",
        resource: "fire-incidents",
        name: "Fire Incidents",
        share_percent: 8,
        full_replace: true,
    },
    SyntheticDataset {
        id: "wg3w-h783",
        resource: "police-department-incidents",
        name: "Police Department Incident Reports: 2018 to Present",
        share_percent: 19,
        full_replace: true,
    },
    SyntheticDataset {
        id: "ubvf-ztfx",
        resource: "traffic-crashes",
        name: "Traffic Crashes Resulting in Injury",
        share_percent: 3,
        full_replace: true,
    },
];

/// The stamp of datasets that are replaced completely: 2026-07-01T10:05:13.412Z.
pub const REPLACED_AT_MS: i64 = 1_782_900_313_412;

/// A row to publish and when.
struct Published {
    row: Rendered,
    at_ms: i64,
}

/// Creates a portal with about that many rows of the synthetic city.
pub fn san_francisco(rows: usize, seed: u64) -> Portal {
    let portal = Portal::new();
    for (number, dataset) in DATASETS.iter().enumerate() {
        let count = rows * usize::from(dataset.share_percent) / 100;
        let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(number as u64));
        let (columns, published) = match number {
            0 => (columns::cases::COLUMNS, cases::rows(count, &mut rng)),
            1 => (columns::calls::COLUMNS, calls::rows(count, &mut rng)),
            2 => (columns::fires::COLUMNS, fires::rows(count, &mut rng)),
            3 => (columns::police::COLUMNS, police::rows(count, &mut rng)),
            _ => (columns::crashes::COLUMNS, crashes::rows(count, &mut rng)),
        };
        let columns = columns.iter().map(|(name, kind)| Column::new(*name, *kind)).collect();
        portal.add_dataset(dataset.id, dataset.name, columns);
        portal
            .insert_rendered(dataset.id, published.into_iter().map(|one| (one.row.json, one.row.plain_end, one.at_ms)));
    }
    boundaries::publish(&portal);
    portal
}

#[cfg(test)]
mod tests;
