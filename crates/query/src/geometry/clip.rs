//! Rings cut along straight lines: exact for every simple ring, concave ones too, whose parts may be several.

/// A position: x and y in any plane.
pub type Point = (f64, f64);

/// One side of a line along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HalfPlane {
    /// Where x is greater.
    Right(f64),
    /// Where x is less.
    Left(f64),
    /// Where y is greater.
    Above(f64),
    /// Where y is less.
    Below(f64),
}

impl HalfPlane {
    /// Returns the distance of a point to the line: zero on the line, negative outside.
    fn depth(self, (x, y): Point) -> f64 {
        match self {
            Self::Right(limit) => x - limit,
            Self::Left(limit) => limit - x,
            Self::Above(limit) => y - limit,
            Self::Below(limit) => limit - y,
        }
    }

    /// Returns the position of a point along the line.
    fn along(self, (x, y): Point) -> f64 {
        match self {
            Self::Right(_) | Self::Left(_) => y,
            Self::Above(_) | Self::Below(_) => x,
        }
    }

    /// Returns where an edge from one side to the other crosses the line: the same point whichever end comes first.
    fn crossing(self, a: Point, b: Point) -> Point {
        let ((x0, y0), (x1, y1)) = if self.depth(a) < self.depth(b) { (a, b) } else { (b, a) };
        match self {
            Self::Right(limit) | Self::Left(limit) => (limit, y0 + (limit - x0) / (x1 - x0) * (y1 - y0)),
            Self::Above(limit) | Self::Below(limit) => (x0 + (limit - y0) / (y1 - y0) * (x1 - x0), limit),
        }
    }
}

/// Returns the parts of a simple ring (its first point not repeated) in a half plane, in the orientation of the ring. A
/// ring that only touches the line has none.
pub fn clip(ring: &[Point], half: HalfPlane) -> Vec<Vec<Point>> {
    let is_inside = |point: &Point| half.depth(*point) > 0.0;
    if ring.iter().all(|point| half.depth(*point) >= 0.0) {
        return if ring.iter().any(is_inside) { vec![ring.to_vec()] } else { Vec::new() };
    }
    let paths = inner_paths(ring, half);
    join_paths(&paths, half)
}

/// Returns the paths of a ring inside, each from the line to the line.
fn inner_paths(ring: &[Point], half: HalfPlane) -> Vec<Vec<Point>> {
    let is_inside = |point: Point| half.depth(point) > 0.0;
    let Some(start) = ring.iter().position(|point| !is_inside(*point)) else { return Vec::new() };
    let mut paths: Vec<Vec<Point>> = Vec::new();
    let mut from = ring[start];
    for step in 1..=ring.len() {
        let to = ring[(start + step) % ring.len()];
        match (is_inside(from), is_inside(to)) {
            (false, true) => paths.push(vec![half.crossing(from, to), to]),
            (true, inside) => {
                let end = if inside { to } else { half.crossing(from, to) };
                if let Some(path) = paths.last_mut() {
                    path.push(end);
                }
            }
            (false, false) => {}
        }
        from = to;
    }
    paths
}

/// Paths from the line to the line, closed along it. The ends, sorted along the line, alternate between into and out of the
/// ring's area, so every odd one is joined to the next.
fn join_paths(paths: &[Vec<Point>], half: HalfPlane) -> Vec<Vec<Point>> {
    let ends = |number: usize, path: &[Point]| {
        let end = |point: Option<&Point>, first: bool| point.map(|point| (half.along(*point), number, first));
        [end(path.first(), true), end(path.last(), false)]
    };
    let mut sorted: Vec<(f64, usize, bool)> =
        paths.iter().enumerate().flat_map(|(number, path)| ends(number, path)).flatten().collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut next: Vec<Option<usize>> = vec![None; paths.len()];
    for pair in sorted.chunks_exact(2) {
        match (pair[0], pair[1]) {
            ((_, from, false), (_, to, true)) | ((_, to, true), (_, from, false)) => next[from] = Some(to),
            _ => {}
        }
    }
    if next.iter().any(Option::is_none) {
        // The ring touches itself on the line: in the order of the ring the area is right, though edges may coincide.
        next = (0..paths.len()).map(|number| Some((number + 1) % paths.len())).collect();
    }
    let mut rings = Vec::new();
    for start in 0..paths.len() {
        let (mut ring, mut at) = (Vec::new(), start);
        while let Some(following) = next[at].take() {
            ring.extend_from_slice(&paths[at]);
            at = following;
        }
        ring.dedup();
        if ring.first() == ring.last() {
            ring.pop();
        }
        if ring.len() > 2 {
            rings.push(ring);
        }
    }
    rings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(ring: &[Point]) -> f64 {
        let next = |n: usize| ring[(n + 1) % ring.len()];
        (0..ring.len()).map(|n| ring[n].0 * next(n).1 - next(n).0 * ring[n].1).sum::<f64>() / 2.0
    }

    #[test]
    fn a_convex_ring_is_cut_at_the_line() {
        let square = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)];
        for (half, left) in [
            (HalfPlane::Right(1.0), 12.0),
            (HalfPlane::Left(1.0), 4.0),
            (HalfPlane::Above(3.0), 4.0),
            (HalfPlane::Below(3.0), 12.0),
            (HalfPlane::Right(-1.0), 16.0),
            (HalfPlane::Right(0.0), 16.0),
        ] {
            let parts = clip(&square, half);
            assert_eq!(parts.len(), 1, "{half:?}");
            assert!((area(&parts[0]) - left).abs() < 1e-12, "{half:?}: {parts:?}");
        }
        assert_eq!(clip(&square, HalfPlane::Right(4.0)), Vec::<Vec<Point>>::new(), "it touches the line");
        assert_eq!(clip(&square, HalfPlane::Below(-1.0)), Vec::<Vec<Point>>::new());
    }

    #[test]
    fn a_concave_ring_is_cut_into_parts_without_bridges() {
        // A comb whose three teeth point up, and another that hangs.
        let comb = [(0.0, 0.0), (5.0, 0.0), (5.0, 3.0), (4.0, 3.0), (4.0, 1.0), (3.0, 1.0), (3.0, 3.0), (2.0, 3.0)];
        let comb: Vec<Point> = comb.into_iter().chain([(2.0, 1.0), (1.0, 1.0), (1.0, 3.0), (0.0, 3.0)]).collect();
        let teeth = clip(&comb, HalfPlane::Above(2.0));
        assert_eq!(teeth.len(), 3);
        assert!(teeth.iter().all(|tooth| tooth.len() == 4 && (area(tooth) - 1.0).abs() < 1e-12), "{teeth:?}");
        let back = clip(&comb, HalfPlane::Below(2.0));
        assert_eq!(back.len(), 1);
        assert!((area(&back[0]) - 8.0).abs() < 1e-12, "{back:?}");
        // Along the edges between the teeth, which are on the line.
        let teeth = clip(&comb, HalfPlane::Above(1.0));
        assert_eq!(teeth.iter().map(|tooth| area(tooth)).collect::<Vec<_>>(), [2.0, 2.0, 2.0]);
    }

    #[test]
    fn the_two_sides_of_any_line_are_the_whole() {
        // A star of 40 corners, turning against the clock.
        let star: Vec<Point> = (0..40_u32)
            .map(|n| {
                let angle = f64::from(n) / 40.0 * std::f64::consts::TAU;
                let reach = if n % 2 == 0 { 3.0 } else { 1.0 + f64::from(n % 7) / 5.0 };
                (reach * angle.cos(), reach * angle.sin())
            })
            .collect();
        for step in -32..=32 {
            let at = f64::from(step) / 10.0;
            for (one, other) in
                [(HalfPlane::Right(at), HalfPlane::Left(at)), (HalfPlane::Above(at), HalfPlane::Below(at))]
            {
                let sides: Vec<Vec<Point>> = [clip(&star, one), clip(&star, other)].concat();
                assert!(sides.iter().all(|side| area(side) > 0.0), "{one:?}");
                let sum: f64 = sides.iter().map(|side| area(side)).sum();
                assert!((sum - area(&star)).abs() < 1e-9, "{one:?}");
            }
        }
    }
}
