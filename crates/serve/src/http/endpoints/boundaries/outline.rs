//! Outlines with fewer positions (Ramer, Douglas and Peucker), for maps that show them small.
//!
//! Each ring is simplified for itself: between neighbours a gap or an overlap of the tolerance's width may open.

use serde::{Deserialize, Serialize};

/// Longitude and latitude, degrees.
type Position = [f64; 2];
/// A ring whose last position is its first.
type Ring = Vec<Position>;

/// Metres of a degree of latitude.
const METRES_PER_DEGREE: f64 = 111_195.0;
/// Simplified coordinates have six decimals: a tenth of a metre.
const DECIMALS: f64 = 1e6;

/// A GeoJSON MultiPolygon.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename = "MultiPolygon")]
pub(crate) struct Outline {
    coordinates: Vec<Vec<Ring>>,
}

impl Outline {
    /// Returns the outline with fewer positions: none that it had is more than `tolerance_m` metres from it, except
    /// those of parts and holes smaller than a square of that side, which are omitted. The largest part always remains.
    pub(crate) fn simplified(&self, tolerance_m: f64) -> Self {
        let Some(largest) =
            self.coordinates.iter().filter_map(|rings| rings.first()).max_by(|a, b| area(a).total_cmp(&area(b)))
        else {
            return Self { coordinates: Vec::new() };
        };
        // Distances are measured where a degree of longitude is as long as one of latitude.
        let narrower = largest.first().map_or(1.0, |position| position[1].to_radians().cos().max(1e-6));
        let tolerance = tolerance_m / METRES_PER_DEGREE;
        let least = tolerance * tolerance / narrower;
        let parts = self.coordinates.iter().filter_map(|rings| {
            let (outline, holes) = rings.split_first()?;
            let stays = area(outline) >= least || std::ptr::eq(outline, largest);
            let holes = holes.iter().filter(|hole| -area(hole) >= least);
            let rings = std::iter::once(outline).chain(holes).enumerate();
            stays
                .then(|| rings.map(|(number, ring)| orient(thin_out(ring, narrower, tolerance), number == 0)).collect())
        });
        Self { coordinates: parts.collect() }
    }
}

/// Returns the area in square degrees, below zero if a ring runs clockwise. Positions are relative to the first one, or
/// rounding would distort the area of a small ring.
fn area(ring: &[Position]) -> f64 {
    let Some([x, y]) = ring.first() else { return 0.0 };
    ring.windows(2).map(|edge| (edge[0][0] - x) * (edge[1][1] - y) - (edge[1][0] - x) * (edge[0][1] - y)).sum::<f64>()
        / 2.0
}

/// Returns the ring counterclockwise, or clockwise: simplification may invert one that is narrower than the tolerance.
fn orient(mut ring: Ring, against_the_clock: bool) -> Ring {
    let area = area(&ring);
    if area != 0.0 && (area > 0.0) != against_the_clock {
        ring.reverse();
    }
    ring
}

/// Returns the positions of a ring that matter, at least three and the first again.
fn thin_out(ring: &[Position], narrower: f64, tolerance: f64) -> Ring {
    let flat: Vec<Position> = ring.iter().map(|[x, y]| [x * narrower, *y]).collect();
    let Some(end) = flat.len().checked_sub(1).filter(|end| *end > 3) else { return ring.iter().map(rounded).collect() };
    // A ring has no ends: the position farthest from its first one, and that farthest from the line between the two,
    // stay.
    let (across, _) = farthest(&flat, 0, end, |at| distance(at, flat[0], flat[0]));
    let (aside, _) = farthest(&flat, 0, end, |at| distance(at, flat[0], flat[across]));
    let mut kept = vec![false; flat.len()];
    let mut anchors = [0, across, aside, end];
    anchors.sort_unstable();
    anchors.iter().for_each(|anchor| kept[*anchor] = true);
    let mut open: Vec<(usize, usize)> = anchors.windows(2).map(|pair| (pair[0], pair[1])).collect();
    while let Some((from, to)) = open.pop() {
        let (at, far) = farthest(&flat, from, to, |at| distance(at, flat[from], flat[to]));
        if far > tolerance {
            kept[at] = true;
            open.extend([(from, at), (at, to)]);
        }
    }
    ring.iter().zip(kept).filter(|(_, kept)| *kept).map(|(position, _)| rounded(position)).collect()
}

/// Returns which position between two is farthest by this measure, and how far; `from` and zero if there is none.
fn farthest(flat: &[Position], from: usize, to: usize, measure: impl Fn(Position) -> f64) -> (usize, f64) {
    let between = (from + 1..to).map(|at| (at, measure(flat[at])));
    between.fold((from, 0.0), |most, one| if one.1 > most.1 { one } else { most })
}

/// Returns the distance from a position to the line between two.
fn distance([x, y]: Position, [ax, ay]: Position, [bx, by]: Position) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { (((x - ax) * dx + (y - ay) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

fn rounded([x, y]: &Position) -> Position {
    [(x * DECIMALS).round() / DECIMALS, (y * DECIMALS).round() / DECIMALS]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simplified(coordinates: Vec<Vec<Ring>>, tolerance_m: f64) -> Vec<Vec<Ring>> {
        Outline { coordinates }.simplified(tolerance_m).coordinates
    }

    #[test]
    fn what_is_within_the_tolerance_goes_and_the_rest_stays() {
        // A square of some 1.1 km whose southern side has a dent of 1 m, with a hole of 20 m, and an islet of 10 m.
        let square = vec![[0.0, 0.0], [0.005, 0.000_01], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01], [0.0, 0.0]];
        let hole = vec![[0.001, 0.001], [0.001, 0.0012], [0.0012, 0.0012], [0.0012, 0.001], [0.001, 0.001]];
        let islet = vec![[0.02, 0.0], [0.0201, 0.0], [0.0201, 0.0001], [0.02, 0.0001], [0.02, 0.0]];
        let outline = vec![vec![square.clone(), hole.clone()], vec![islet.clone()]];
        let plain = vec![[0.0, 0.0], [0.01, 0.0], [0.01, 0.01], [0.0, 0.01], [0.0, 0.0]];
        assert_eq!(simplified(outline.clone(), 0.5), [vec![square, hole.clone()], vec![islet.clone()]]);
        assert_eq!(simplified(outline.clone(), 5.0), [vec![plain.clone(), hole.clone()], vec![islet]]);
        assert_eq!(simplified(outline.clone(), 15.0), [vec![plain.clone(), hole]]);
        assert_eq!(simplified(outline.clone(), 50.0), [vec![plain]]);
        let least = simplified(outline, 10_000.0);
        assert_eq!((least.len(), least[0].len()), (1, 1));
        assert!(least[0][0].len() >= 4 && least[0][0].first() == least[0][0].last(), "{least:?}");
        assert!(area(&least[0][0]) > 0.0);
    }

    #[test]
    fn no_position_is_farther_from_the_simplified_ring_than_the_tolerance() {
        // A circle with a ragged edge.
        let ring: Ring = (0..=720)
            .map(|step| {
                let angle = f64::from(step % 720).to_radians() / 2.0;
                let reach = 0.05 + 0.002 * (f64::from(step % 720) * 7.3).sin();
                [10.0 + angle.cos() * reach, 60.0 + angle.sin() * reach]
            })
            .collect();
        let narrower = 60.0_f64.to_radians().cos();
        for tolerance_m in [1.0, 30.0, 300.0, 3_000.0] {
            let left = &simplified(vec![vec![ring.clone()]], tolerance_m)[0][0];
            let flat = |[x, y]: Position| [x * narrower, y];
            let farthest = ring.iter().map(|at| {
                let edges = left.windows(2).map(|edge| distance(flat(*at), flat(edge[0]), flat(edge[1])));
                edges.fold(f64::INFINITY, f64::min)
            });
            let farthest_m = farthest.fold(0.0, f64::max) * METRES_PER_DEGREE;
            assert!(farthest_m <= tolerance_m + 0.2, "{farthest_m} m of {tolerance_m}");
            assert!(tolerance_m < 30.0 || left.len() < ring.len() / 2);
        }
    }

    #[test]
    fn an_outline_without_parts_stays_one() {
        assert_eq!(simplified(Vec::new(), 10.0), Vec::<Vec<Ring>>::new());
        assert_eq!(simplified(vec![Vec::new()], 10.0), Vec::<Vec<Ring>>::new());
    }
}
