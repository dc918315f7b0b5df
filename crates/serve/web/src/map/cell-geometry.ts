/** Cells and areas as GeoJSON. */

import { cellToBoundary } from "h3-js";
import { alignBounds } from "./antimeridian";
import type { Bounds } from "./resolution";

/** Rings that are kept: some ten megabytes. */
const MAX_CACHED_RINGS = 100_000;
const cachedRings = new Map<string, [number, number][]>();

/** The corners of a cell, longitude first. They go on beyond the 180th meridian, and a cell with a pole is a band up to it. */
export function cellRing(cell: string): [number, number][] {
  if (cachedRings.size > MAX_CACHED_RINGS) cachedRings.clear();
  let known = cachedRings.get(cell);
  if (!known) {
    known = unwrapRing(cellToBoundary(cell).map(([lat, lng]): [number, number] => [lng, lat]));
    cachedRings.set(cell, known);
  }
  return known;
}

/** The same ring, each corner less than half the world from the one before. */
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
  // Once round a pole, eastward around the northern one.
  else found.push([before, 90 * turn], [first[0], 90 * turn]);
  return found;
}

/** A ring as a polygon. */
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

/** A cell as a polygon. */
export const cellFeature = (cell: string) => toPolygonFeature(cellRing(cell), { cell });

/** Whether the box around a cell touches the bounds. */
export function touchesBounds(cell: string, bounds: Bounds): boolean {
  const corners = cellRing(cell);
  const [lng, lat] = [corners.map(at => at[0]), corners.map(at => at[1])];
  const box = { west: Math.min(...lng), south: Math.min(...lat), east: Math.max(...lng), north: Math.max(...lat) };
  const { west, south, east, north } = alignBounds(box, bounds);
  return east >= bounds.west && west <= bounds.east && north >= bounds.south && south <= bounds.north;
}

/** Nothing. */
export const NO_FEATURES: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
