/** Polygons of cells and areas as GeoJSON. */

import { cellToBoundary } from "h3-js";
import { alignBounds } from "./antimeridian";
import type { Bounds } from "./resolution";

/** About ten megabytes of rings. */
const MAX_CACHED_RINGS = 100_000;
const cachedRings = new Map<string, [number, number][]>();

/** Returns the corners of a cell, longitude first. They continue beyond 180, and a cell with a pole is a band up to it. */
export function cellRing(cell: string): [number, number][] {
  if (cachedRings.size > MAX_CACHED_RINGS) cachedRings.clear();
  let ring = cachedRings.get(cell);
  if (!ring) {
    ring = unwrapRing(cellToBoundary(cell).map(([lat, lng]): [number, number] => [lng, lat]));
    cachedRings.set(cell, ring);
  }
  return ring;
}

/** Returns the ring with each longitude less than 180 degrees from the one before. */
function unwrapRing(corners: [number, number][]): [number, number][] {
  const [first] = corners;
  if (first === undefined) return corners;
  const found: [number, number][] = [first];
  let before = first[0];
  for (const [lng, lat] of [...corners.slice(1), first]) {
    before = lng - 360 * Math.round((lng - before) / 360);
    found.push([before, lat]);
  }
  const turn = Math.round((before - first[0]) / 360);
  if (turn === 0) found.pop();
  // The ring encloses a pole: eastward the northern one.
  else found.push([before, 90 * turn], [first[0], 90 * turn]);
  return found;
}

/** Returns a ring as a polygon feature. */
export function toPolygonFeature(
  ring: readonly [number, number][],
  properties: GeoJSON.GeoJsonProperties = {},
): GeoJSON.Feature {
  const [first] = ring;
  return {
    type: "Feature",
    properties,
    geometry: { type: "Polygon", coordinates: first ? [[...ring, first]] : [] },
  };
}

/** Returns a cell as a polygon feature. */
export const cellFeature = (cell: string) => toPolygonFeature(cellRing(cell), { cell });

/** Whether the bounding box of a cell touches the bounds. */
export function touchesBounds(cell: string, bounds: Bounds): boolean {
  const corners = cellRing(cell);
  const [lng, lat] = [corners.map(at => at[0]), corners.map(at => at[1])];
  const box = { west: Math.min(...lng), south: Math.min(...lat), east: Math.max(...lng), north: Math.max(...lat) };
  const { west, south, east, north } = alignBounds(box, bounds);
  return east >= bounds.west && west <= bounds.east && north >= bounds.south && south <= bounds.north;
}

/** A collection without features. */
export const NO_FEATURES: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
