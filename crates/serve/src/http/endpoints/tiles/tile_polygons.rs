//! Polygons of a vector tile: geometry in the tile and its margin, in integer units, with rings as the specification
//! demands (<https://github.com/mapbox/vector-tile-spec/tree/master/2.1#4344-polygon-geometry-type>).

use lake_query::{HalfPlane, Point, clip};

/// Units along a tile's edge.
pub(crate) const EXTENT: u32 = 4096;
/// How far beyond its edges a tile holds polygons, as a part of its width: lines along the edge are not cut.
pub(crate) const MARGIN: f64 = 1.0 / 64.0;

/// A corner in units of the tile, from its west and north edges.
pub(crate) type Corner = (i32, i32);

/// Clips a simple ring to the tile and its margin; the ring is in widths of the tile from its west and north edges.
/// Clipping comes before rounding to integer units: readers store each axis of a corner in 16 bits.
pub(crate) fn clip_to_tile(ring: &[Point]) -> Vec<Vec<Point>> {
    let sides = [
        HalfPlane::Right(-MARGIN),
        HalfPlane::Left(1.0 + MARGIN),
        HalfPlane::Above(-MARGIN),
        HalfPlane::Below(1.0 + MARGIN),
    ];
    let whole = vec![ring.to_vec()];
    sides.iter().fold(whole, |parts, side| parts.iter().flat_map(|part| clip(part, *side)).collect())
}

/// Returns the exterior rings of a polygon with these parts, in widths of the tile: simple, clockwise on the screen, of
/// an area above zero, the first corner not repeated. If all parts are smaller than that, returns the smallest polygon,
/// a square of one unit at the first part: without its feature, its count would be missing.
pub(crate) fn exterior_rings(parts: &[Vec<Point>]) -> Vec<Vec<Corner>> {
    let mut rings: Vec<Vec<Corner>> = Vec::with_capacity(parts.len());
    for part in parts {
        let corners: Vec<Corner> = part.iter().map(|point| whole_units(*point)).collect();
        let Some(mut ring) = valid_ring(corners) else { continue };
        // The encoder takes a ring that begins where the last one ended for its continuation.
        if rings.last().and_then(|before| before.last()) == ring.first() {
            ring.rotate_left(1);
        }
        rings.push(ring);
    }
    if rings.is_empty()
        && let Some(first) = parts.first().and_then(|part| part.first())
    {
        let (x, y) = whole_units(*first);
        rings.push(vec![(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)]);
    }
    rings
}

fn whole_units((x, y): Point) -> Corner {
    #[expect(clippy::cast_possible_truncation, reason = "a part of the tile and its margin is within 16 bits")]
    let whole = |part: f64| (part * f64::from(EXTENT)).round() as i32;
    (whole(x), whole(y))
}

/// Returns the ring of rounded corners, clockwise on the screen; `None` if it has no area. If rounding made edges
/// touch, which needs a part thinner than a unit, it is the convex hull of the corners.
fn valid_ring(corners: Vec<Corner>) -> Option<Vec<Corner>> {
    let mut ring = without_spikes(corners);
    if ring.len() < 3 {
        return None;
    }
    if !is_simple(&ring) {
        ring = convex_hull(ring);
    }
    match doubled_area(&ring) {
        0 => None,
        positive if positive > 0 => Some(ring),
        _ => {
            ring.reverse();
            Some(ring)
        }
    }
}

/// Returns twice the signed area of the turn from `a` over `b` to `c`: positive to the right, where y runs down.
fn turn(a: Corner, b: Corner, c: Corner) -> i64 {
    let from_a = |(x, y): Corner| (i64::from(x) - i64::from(a.0), i64::from(y) - i64::from(a.1));
    let ((bx, by), (cx, cy)) = (from_a(b), from_a(c));
    bx * cy - cx * by
}

/// Returns twice the area of a ring by the surveyor's formula.
fn doubled_area(ring: &[Corner]) -> i64 {
    ring.windows(2).map(|pair| turn(ring[0], pair[0], pair[1])).sum()
}

/// Returns the ring without corners that repeat, and without edges that run back along the one before.
fn without_spikes(mut ring: Vec<Corner>) -> Vec<Corner> {
    let is_needless = |ring: &[Corner], at: usize| {
        let (before, here, after) = (ring[(at + ring.len() - 1) % ring.len()], ring[at], ring[(at + 1) % ring.len()]);
        let step =
            |from: Corner, to: Corner| (i64::from(to.0) - i64::from(from.0), i64::from(to.1) - i64::from(from.1));
        let ((ax, ay), (bx, by)) = (step(before, here), step(here, after));
        here == after || (turn(before, here, after) == 0 && ax * bx + ay * by < 0)
    };
    while ring.len() > 1 {
        match (0..ring.len()).find(|at| is_needless(&ring, *at)) {
            Some(at) => ring.remove(at),
            None => break,
        };
    }
    ring
}

/// Returns whether no two edges touch, except neighbours at their common corner.
fn is_simple(ring: &[Corner]) -> bool {
    let count = ring.len();
    let edge = |n: usize| (ring[n], ring[(n + 1) % count]);
    (0..count).all(|one| {
        let others = (one + 2..count).filter(|other| (other + 1) % count != one);
        others.into_iter().all(|other| !touch(edge(one), edge(other)))
    })
}

/// Returns whether two edges have a point in common.
fn touch((a, b): (Corner, Corner), (c, d): (Corner, Corner)) -> bool {
    let sides =
        |from: Corner, to: Corner, p: Corner, q: Corner| turn(from, to, p).signum() * turn(from, to, q).signum();
    let overlap = |of: fn(Corner) -> i32| of(a).min(of(b)) <= of(c).max(of(d)) && of(c).min(of(d)) <= of(a).max(of(b));
    sides(a, b, c, d) <= 0 && sides(c, d, a, b) <= 0 && overlap(|corner| corner.0) && overlap(|corner| corner.1)
}

/// Returns the convex hull of corners, by Andrew's monotone chain.
fn convex_hull(mut corners: Vec<Corner>) -> Vec<Corner> {
    corners.sort_unstable();
    corners.dedup();
    let half = |corners: &mut dyn Iterator<Item = Corner>| {
        let mut kept: Vec<Corner> = Vec::new();
        for corner in corners {
            while let [.., before, last] = kept.as_slice()
                && turn(*before, *last, corner) <= 0
            {
                kept.pop();
            }
            kept.push(corner);
        }
        kept.pop();
        kept
    };
    let mut hull = half(&mut corners.iter().copied());
    hull.extend(half(&mut corners.iter().rev().copied()));
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polygon(ring: &[Point]) -> Vec<Vec<Corner>> {
        exterior_rings(&clip_to_tile(ring))
    }

    #[test]
    fn a_polygon_larger_than_the_tile_is_the_tile_and_its_margin() {
        let far = 1e7;
        let rings = polygon(&[(-far, -far), (far, -far), (far, far), (-far, far)]);
        assert_eq!(rings.len(), 1);
        assert_eq!(doubled_area(&rings[0]), 2 * (4096 + 128) * (4096 + 128));
        assert_eq!(polygon(&[(2.0, 0.0), (3.0, 0.0), (3.0, 1.0)]), Vec::<Vec<Corner>>::new(), "outside the tile");
        // An edge from far away cuts the tile in half, whichever way the ring turns.
        for ring in [[(-far, -far), (far, far), (-far, far)], [(-far, far), (far, far), (-far, -far)]] {
            let half = polygon(&ring);
            assert_eq!(doubled_area(&half[0]), (4096 + 128) * (4096 + 128), "{half:?}");
        }
    }

    #[test]
    fn a_polygon_smaller_than_a_unit_is_a_square_of_one() {
        let unit = 1.0 / 4096.0;
        let small = |x: f64, y: f64| {
            let at = |dx: f64, dy: f64| (x + dx * unit, y + dy * unit);
            polygon(&[at(0.0, 0.0), at(0.3, 0.1), at(0.2, 0.3)])
        };
        assert_eq!(small(0.5, 0.25), [[(2048, 1024), (2049, 1024), (2049, 1025), (2048, 1025)]]);
        // A line of many units has no area either.
        let line = polygon(&[(0.1, 0.1), (0.9, 0.1), (0.9, 0.1 + unit / 9.0)]);
        assert_eq!((line.len(), doubled_area(&line[0])), (1, 2));
    }

    #[test]
    fn what_rounding_makes_touch_is_a_simple_ring_of_the_same_corners() {
        // A thin part whose two long edges cross once they are rounded.
        let crossed = vec![(0, 0), (10, 1), (10, 0), (0, 1)];
        let ring = valid_ring(crossed).expect("an area");
        assert!(is_simple(&ring) && doubled_area(&ring) == 20, "{ring:?}");
        // A spike is left out.
        assert_eq!(valid_ring(vec![(0, 0), (4, 0), (9, 0), (4, 0), (4, 4)]), Some(vec![(0, 0), (4, 0), (4, 4)]));
        assert_eq!(valid_ring(vec![(0, 0), (4, 0), (0, 0), (2, 0)]), None);
        // Counterclockwise rings are reversed.
        assert_eq!(valid_ring(vec![(0, 0), (0, 4), (4, 4)]), Some(vec![(4, 4), (0, 4), (0, 0)]));
    }
}
