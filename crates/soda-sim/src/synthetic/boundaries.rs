//! The outlines of the made-up city: its neighborhoods and districts.
//!
//! The land is divided among the discs of the places by their power diagram, so that a disc is within its own part and
//! every row in the boundary that its label names. Parts with the same label are joined.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::REPLACED_AT_MS;
use super::places::{NARROWER, PLACES, Place};
use crate::portal::Portal;
use crate::types::{Column, SodaType};

/// A dataset of boundaries of the made-up city.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticBoundaries {
    /// Its id on the portal.
    pub id: &'static str,
    /// Short names for it: each reads its labels in its own way.
    pub resources: &'static [&'static str],
    /// Its title on the portal.
    pub name: &'static str,
    /// The column of its labels.
    pub label: &'static str,
}

/// The boundaries of the made-up city.
pub const BOUNDARIES: [SyntheticBoundaries; 4] = [
    SyntheticBoundaries {
        id: "j2bu-swwd",
        resources: &["sf-neighborhoods"],
        name: "Analysis Neighborhoods",
        label: "nhood",
    },
    SyntheticBoundaries {
        id: "gfpk-269f",
        resources: &["sf-find-neighborhoods"],
        name: "SF Find Neighborhoods",
        label: "name",
    },
    SyntheticBoundaries {
        id: "wkhw-cjsf",
        resources: &["sf-police-districts", "sf-police-districts-capitals"],
        name: "Current Police Districts",
        label: "district",
    },
    SyntheticBoundaries {
        id: "f2zs-jevy",
        resources: &["sf-supervisor-districts"],
        name: "Supervisor Districts (2022)",
        label: "sup_dist",
    },
];

/// The column of the outlines.
const GEOMETRY: &str = "the_geom";

/// The land, each part convex and against the clock: the city, and the island in the bay.
const LAND: [&[Point]; 2] = [
    &[
        (-122.5060, 37.7080),
        (-122.3900, 37.7080),
        (-122.3760, 37.7200),
        (-122.3740, 37.7400),
        (-122.3800, 37.7650),
        (-122.3860, 37.7870),
        (-122.3930, 37.7980),
        (-122.4080, 37.8090),
        (-122.4250, 37.8100),
        (-122.4750, 37.8080),
        (-122.5130, 37.7880),
        (-122.5145, 37.7780),
    ],
    &[
        (-122.3690, 37.8165),
        (-122.3640, 37.8180),
        (-122.3625, 37.8225),
        (-122.3650, 37.8265),
        (-122.3715, 37.8275),
        (-122.3740, 37.8235),
        (-122.3725, 37.8185),
    ],
];

/// Longitude and latitude, degrees.
type Point = (f64, f64);
/// Corners in ten-millionths of a degree: those of neighbours are equal, not nearly so.
type Corner = (i64, i64);
/// A ring without its end, which is its beginning.
type Ring = Vec<Corner>;

/// Adds the datasets of boundaries to a portal.
pub(crate) fn publish(portal: &Portal) {
    let parts: Vec<Vec<Ring>> = PLACES.iter().map(parts).collect();
    for (dataset, label) in BOUNDARIES.iter().zip([neighborhood, neighborhood, police, supervisor]) {
        let columns = vec![Column::new(GEOMETRY, SodaType::MultiPolygon), Column::new(dataset.label, SodaType::Text)];
        portal.add_dataset(dataset.id, dataset.name, columns);
        let mut labels: Vec<String> = PLACES.iter().map(label).collect();
        labels.sort_unstable();
        labels.dedup();
        let rows = labels.into_iter().map(|name| {
            let own = PLACES.iter().zip(&parts).filter(|(place, _)| label(place) == name).flat_map(|(_, parts)| parts);
            Map::from_iter([
                (GEOMETRY.to_owned(), multipolygon(joined(own))),
                (dataset.label.to_owned(), Value::from(name)),
            ])
        });
        portal.insert(dataset.id, rows.collect(), REPLACED_AT_MS);
    }
}

fn neighborhood(place: &Place) -> String {
    place.neighborhood.to_owned()
}

fn police(place: &Place) -> String {
    place.police.to_owned()
}

fn supervisor(place: &Place) -> String {
    place.supervisor.to_string()
}

/// Returns the part of the land of a disc that is nearer to it than to any other.
fn parts(place: &Place) -> Vec<Ring> {
    let on = |land: &&&[Point]| is_inside(land, (place.lon, place.lat));
    let own = LAND.iter().filter(on).map(|land| {
        let part = PLACES
            .iter()
            .filter(|other| !std::ptr::eq(*other, place))
            .fold(land.to_vec(), |part, other| clip(&part, |point| power(other, point) - power(place, point)));
        let mut ring: Ring = part.into_iter().map(corner).collect();
        ring.dedup();
        if ring.first() == ring.last() {
            ring.pop();
        }
        ring
    });
    own.filter(|ring| ring.len() >= 3).collect()
}

/// Returns the power of a point with respect to a disc: below zero inside of it. The difference of two is linear.
fn power(place: &Place, (lon, lat): Point) -> f64 {
    let (east, north) = ((lon - place.lon) * NARROWER, lat - place.lat);
    east * east + north * north - place.radius * place.radius
}

/// Returns the part of a convex ring where a linear function is not below zero.
fn clip(ring: &[Point], height: impl Fn(Point) -> f64) -> Vec<Point> {
    let mut kept = Vec::with_capacity(ring.len() + 1);
    for (number, point) in ring.iter().enumerate() {
        let next = ring[(number + 1) % ring.len()];
        let (here, there) = (height(*point), height(next));
        if here >= 0.0 {
            kept.push(*point);
        }
        if (here >= 0.0) != (there >= 0.0) {
            let along = here / (here - there);
            kept.push((point.0 + (next.0 - point.0) * along, point.1 + (next.1 - point.1) * along));
        }
    }
    kept
}

fn is_inside(ring: &[Point], point: Point) -> bool {
    let edges = ring.iter().zip(ring.iter().cycle().skip(1));
    edges
        .into_iter()
        .all(|(from, to)| (to.0 - from.0) * (point.1 - from.1) - (to.1 - from.1) * (point.0 - from.0) >= 0.0)
}

fn corner((lon, lat): Point) -> Corner {
    #[expect(clippy::cast_possible_truncation, reason = "degrees are at most 180")]
    let whole = |degrees: f64| (degrees * 1e7).round() as i64;
    (whole(lon), whole(lat))
}

/// Returns the outlines of adjacent parts: an edge that two of them share is inside, and is removed. The land is to the
/// left of every ring.
fn joined<'r>(parts: impl Iterator<Item = &'r Ring>) -> Vec<Ring> {
    let mut edges: Vec<(Corner, Corner)> = Vec::new();
    for ring in parts {
        for (number, from) in ring.iter().enumerate() {
            let to = ring[(number + 1) % ring.len()];
            match edges.iter().position(|edge| *edge == (to, *from)) {
                Some(shared) => drop(edges.remove(shared)),
                None => edges.push((*from, to)),
            }
        }
    }
    let mut after: HashMap<Corner, Vec<Corner>> = HashMap::new();
    for (from, to) in &edges {
        after.entry(*from).or_default().push(*to);
    }
    let mut rings = Vec::new();
    for (start, _) in &edges {
        let mut ring = Vec::new();
        let mut at = *start;
        while let Some(next) = after.get_mut(&at).and_then(Vec::pop) {
            ring.push(at);
            at = next;
        }
        if ring.len() >= 3 {
            rings.push(ring);
        }
    }
    rings
}

/// Rings as GeoJSON: those against the clock are land, the others holes in the land that holds them.
fn multipolygon(rings: Vec<Ring>) -> Value {
    let (land, holes): (Vec<Ring>, Vec<Ring>) = rings.into_iter().partition(|ring| doubled_area(ring) > 0);
    let polygons: Vec<Value> = land
        .iter()
        .map(|outline| {
            let own = holes.iter().filter(|hole| hole.first().is_some_and(|corner| winds_round(outline, *corner)));
            std::iter::once(outline).chain(own).map(closed).collect()
        })
        .collect();
    json!({"type": "MultiPolygon", "coordinates": polygons})
}

/// Returns twice the area, below zero for a clockwise ring.
fn doubled_area(ring: &Ring) -> i128 {
    let edges = ring.iter().zip(ring.iter().cycle().skip(1));
    edges.map(|(from, to)| i128::from(from.0) * i128::from(to.1) - i128::from(to.0) * i128::from(from.1)).sum()
}

fn winds_round(ring: &Ring, (x, y): Corner) -> bool {
    let edges = ring.iter().zip(ring.iter().cycle().skip(1));
    let crossed = edges.filter(|(from, to)| {
        let side =
            i128::from(to.0 - from.0) * i128::from(y - from.1) - i128::from(x - from.0) * i128::from(to.1 - from.1);
        (from.1 > y) != (to.1 > y) && (side > 0) == (to.1 > from.1)
    });
    crossed.count() % 2 == 1
}

fn closed(ring: &Ring) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "ten-millionths of a degree are far fewer than 2^53")]
    let degrees = |whole: i64| whole as f64 / 1e7;
    let ends = ring.iter().chain(ring.first());
    ends.map(|(lon, lat)| json!([degrees(*lon), degrees(*lat)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(dataset: &SyntheticBoundaries) -> Vec<(String, Vec<Vec<Vec<Point>>>)> {
        let portal = Portal::new();
        publish(&portal);
        let read = |row: Map<String, Value>| {
            let polygons: Vec<Vec<Vec<Point>>> =
                serde_json::from_value(row[GEOMETRY]["coordinates"].clone()).expect("positions");
            (row[dataset.label].as_str().expect("a label").to_owned(), polygons)
        };
        portal.rows(dataset.id).into_iter().map(read).collect()
    }

    fn holds(polygons: &[Vec<Vec<Point>>], (x, y): Point) -> bool {
        let crossed = polygons.iter().flatten().flat_map(|ring| ring.windows(2)).filter(|edge| {
            let ((ax, ay), (bx, by)) = (edge[0], edge[1]);
            (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
        });
        crossed.count() % 2 == 1
    }

    fn area(polygons: &[Vec<Vec<Point>>]) -> f64 {
        let edges = polygons.iter().flatten().flat_map(|ring| ring.windows(2));
        edges.map(|edge| (edge[0].0 * edge[1].1 - edge[1].0 * edge[0].1) / 2.0).sum()
    }

    #[test]
    fn every_disc_lies_within_the_boundary_that_its_label_names_and_in_no_other() {
        for (dataset, label) in BOUNDARIES.iter().zip([neighborhood, neighborhood, police, supervisor]) {
            let rows = rows(dataset);
            for place in &PLACES {
                for step in 0..64 {
                    let angle = f64::from(step) / 64.0 * std::f64::consts::TAU;
                    let reach = place.radius * 0.999;
                    let rim = (place.lon + angle.cos() * reach / NARROWER, place.lat + angle.sin() * reach);
                    let within: Vec<&String> =
                        rows.iter().filter(|(_, polygons)| holds(polygons, rim)).map(|(name, _)| name).collect();
                    assert_eq!(within, [&label(place)], "{}: {rim:?} of {}", dataset.name, place.neighborhood);
                }
            }
        }
    }

    #[test]
    fn the_boundaries_of_a_dataset_tile_the_land() {
        let ring = |land: &[Point]| land.iter().chain(land.first()).copied().collect::<Vec<Point>>();
        let land: f64 = LAND.iter().map(|land| area(&[vec![ring(land)]])).sum();
        for dataset in &BOUNDARIES {
            let tiled: f64 = rows(dataset).iter().map(|(_, polygons)| area(polygons)).sum();
            assert!((tiled / land - 1.0).abs() < 1e-4, "{}: {tiled} of {land}", dataset.name);
        }
    }

    #[test]
    fn rings_are_closed_and_boundaries_hang_together() {
        for dataset in &BOUNDARIES {
            for (name, polygons) in rows(dataset) {
                // Of what is not on the island.
                assert!(polygons.len() <= 3, "{}: {name} is in {} pieces", dataset.name, polygons.len());
                for ring in polygons.iter().flatten() {
                    assert!(ring.len() >= 4 && ring.first() == ring.last(), "{}: {name}", dataset.name);
                }
            }
        }
    }
}
