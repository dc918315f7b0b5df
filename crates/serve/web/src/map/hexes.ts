/** Cells and areas as GeoJSON. */

import { cellToBoundary } from "h3-js";
import type { Bounds } from "./resolution";

/** Rings that are kept: some ten megabytes. */
const MOST = 100_000;
const rings = new Map<string, [number, number][]>();

/** The corners of a cell, longitude first. */
function ring(cell: string): [number, number][] {
  if (rings.size > MOST) rings.clear();
  let known = rings.get(cell);
  if (!known) {
    known = cellToBoundary(cell);
    for (const corner of known) corner.reverse();
    rings.set(cell, known);
  }
  return known;
}

/** A ring as a polygon. */
export function polygon(
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
export const hexagon = (cell: string) => polygon(ring(cell), { cell });

/** Whether the box around a cell touches the bounds. */
export function touches(cell: string, { west, south, east, north }: Bounds): boolean {
  const corners = ring(cell);
  const [lng, lat] = [corners.map(at => at[0]), corners.map(at => at[1])];
  const across = Math.max(...lng) >= west && Math.min(...lng) <= east;
  return across && Math.max(...lat) >= south && Math.min(...lat) <= north;
}

/** Nothing. */
export const NOWHERE: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
