/** The resolution and the cells that the view of the map needs. */

import { polygonToCellsExperimental } from "h3-js";

/** Degrees. */
export interface Bounds {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** The finest resolution of the lake. */
const MAX_RESOLUTION = 10;
/** At this zoom a cell of resolution 9 is 10 pixels wide, in the middle latitudes. */
const ZOOM_OF_9 = 10.8;
/** Each resolution is √7 finer in width. */
const ZOOM_A_STEP = Math.log2(Math.sqrt(7));

/** Returns the resolution whose cells are about 10 to 26 pixels wide. */
export function resolutionAt(zoom: number): number {
  return Math.max(1, Math.min(MAX_RESOLUTION, 9 + Math.floor((zoom - ZOOM_OF_9) / ZOOM_A_STEP)));
}

/** Returns the bounds, extended by a fraction of their size on every side. */
export function padBounds(bounds: Bounds, part: number): Bounds {
  const x = (bounds.east - bounds.west) * part;
  const y = (bounds.north - bounds.south) * part;
  return { west: bounds.west - x, south: bounds.south - y, east: bounds.east + x, north: bounds.north + y };
}

/** Whether the inner bounds are within the outer. */
export function containsBounds(inner: Bounds, outer: Bounds): boolean {
  return (
    inner.west >= outer.west && inner.east <= outer.east && inner.south >= outer.south && inner.north <= outer.north
  );
}

/** Steps of about a metre. */
const STEPS_PER_DEGREE = 1e5;

/** Returns the bounds for a question: within the globe, rounded outward. */
export function roundBounds({ west, south, east, north }: Bounds): Bounds {
  const down = (degrees: number) => Math.floor(degrees * STEPS_PER_DEGREE) / STEPS_PER_DEGREE;
  const up = (degrees: number) => Math.ceil(degrees * STEPS_PER_DEGREE) / STEPS_PER_DEGREE;
  const all = east - west >= 360;
  return {
    west: all ? -180 : down(west),
    south: down(Math.max(south, -90)),
    east: all ? 180 : up(east),
    north: up(Math.min(north, 90)),
  };
}

/** Cells in the filter of a request: each is a condition of its own. */
const MAX_COVER_CELLS = 48;

/**
 * Returns coarse cells that cover the bounds: the filter of the cells in view. Each fine cell has one of them as its
 * parent, so no cell is counted in part. Returns null if the bounds are too wide for a filter.
 */
export function coverBounds(bounds: Bounds, resolution: number): string[] | null {
  const { west, south, east, north } = padBounds(bounds, 0.1);
  if (east - west > 90 || north - south > 60) return null;
  const rings = splitAtAntimeridian(west, east).map(([from, to]): [number, number][] => [
    [from, south],
    [to, south],
    [to, north],
    [from, north],
    [from, south],
  ]);
  for (let coarse = resolution - 2; coarse >= 0; coarse -= 1) {
    // Estimated first: covering a continent with fine cells would take millions.
    if (((east - west) * (north - south)) / estimateCellArea(coarse) > 2 * MAX_COVER_CELLS) continue;
    const found = rings.flatMap(ring => polygonToCellsExperimental([ring], coarse, "containmentOverlapping", true));
    const cells = new Set(found);
    if (cells.size <= MAX_COVER_CELLS) return [...cells].sort();
  }
  return null;
}

/** Splits a range of longitudes at the antimeridian. */
function splitAtAntimeridian(west: number, east: number): [west: number, east: number][] {
  const turn = 360 * Math.floor((west + 180) / 360);
  const [from, to] = [west - turn, east - turn];
  if (to <= 180) return [[from, to]];
  return [
    [from, 180],
    [-180, to - 360],
  ];
}

/** Estimates the area of a cell in square degrees at the equator: 4.36 million km² at resolution 0, a seventh per step. */
function estimateCellArea(resolution: number): number {
  return 4.36e6 / 7 ** resolution / 111.3 ** 2;
}
