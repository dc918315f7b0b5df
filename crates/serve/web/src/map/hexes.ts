/** Cells as GeoJSON. */

import { cellToBoundary } from "h3-js";
import type { Hex } from "./what";

/** Rings that are kept: some ten megabytes. */
const MOST = 100_000;
const rings = new Map<string, [number, number][]>();

/** The closed ring of a cell, longitude first. */
export function ring(cell: string): [number, number][] {
  if (rings.size > MOST) rings.clear();
  let known = rings.get(cell);
  if (!known) {
    known = cellToBoundary(cell, true) as [number, number][];
    rings.set(cell, known);
  }
  return known;
}

/** The cells as polygons with their colour and height. */
export function toGeoJson(hexes: readonly Hex[]): GeoJSON.FeatureCollection {
  return {
    type: "FeatureCollection",
    features: hexes.map(({ cell, colour, height }) => ({
      type: "Feature",
      properties: { cell, colour, height },
      geometry: { type: "Polygon", coordinates: [ring(cell)] },
    })),
  };
}

/** A ring as a polygon. */
export function polygon(ring: readonly [number, number][]): GeoJSON.Feature {
  const [first] = ring;
  return {
    type: "Feature",
    properties: {},
    geometry: { type: "Polygon", coordinates: first ? [[...ring, first]] : [] },
  };
}

/** Nothing. */
export const NOWHERE: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
