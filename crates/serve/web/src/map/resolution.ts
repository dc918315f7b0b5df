/** Which cells a view of the map asks for. */

import { polygonToCellsExperimental } from "h3-js";

/** Degrees. */
export interface Bounds {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** The lake's finest resolution. */
const FINEST = 10;
/** At this zoom a cell of resolution 9 is 10 pixels wide, in the middle latitudes. */
const ZOOM_OF_9 = 10.8;
/** A step of resolution is a step of √7 in width. */
const ZOOM_A_STEP = Math.log2(Math.sqrt(7));

/** The resolution whose cells are some 10 to 26 pixels wide. */
export function resolutionAt(zoom: number): number {
  return Math.max(1, Math.min(FINEST, 9 + Math.floor((zoom - ZOOM_OF_9) / ZOOM_A_STEP)));
}

/** The bounds, and a part of their size more on every side. */
export function padded(bounds: Bounds, part: number): Bounds {
  const x = (bounds.east - bounds.west) * part;
  const y = (bounds.north - bounds.south) * part;
  return { west: bounds.west - x, south: bounds.south - y, east: bounds.east + x, north: bounds.north + y };
}

/** Whether the inner bounds lie in the outer. */
export function within(inner: Bounds, outer: Bounds): boolean {
  return (
    inner.west >= outer.west && inner.east <= outer.east && inner.south >= outer.south && inner.north <= outer.north
  );
}

/** A hundred-thousandth of a degree, about a metre. */
const GRAIN = 1e5;

/** The bounds as a question names them: on the globe, and rounded so that they leave out nothing of what is seen. */
export function rounded({ west, south, east, north }: Bounds): Bounds {
  const down = (degrees: number, least: number) => Math.floor(Math.max(degrees, least) * GRAIN) / GRAIN;
  const up = (degrees: number, most: number) => Math.ceil(Math.min(degrees, most) * GRAIN) / GRAIN;
  return { west: down(west, -180), south: down(south, -90), east: up(east, 180), north: up(north, 90) };
}

/** Cells a request names at most: each is a test of its own. */
const MOST = 48;

/**
 * Coarse cells that together cover the bounds: the filter of the cells in view. Each fine cell belongs to one of them as
 * a whole, so no cell on screen is counted in part. Null: the bounds are too wide to be worth a filter.
 */
export function cover(bounds: Bounds, resolution: number): string[] | null {
  const { west, south, east, north } = padded(bounds, 0.1);
  if (east - west > 90 || north - south > 60) return null;
  const ring: [number, number][] = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  for (let coarse = resolution - 2; coarse >= 0; coarse -= 1) {
    // Estimated first: a fine covering of a continent would be millions of cells.
    if (((east - west) * (north - south)) / cellDegrees(coarse) > 2 * MOST) continue;
    const cells = polygonToCellsExperimental([ring], coarse, "containmentOverlapping", true);
    if (cells.length <= MOST) return cells.sort();
  }
  return null;
}

/** About the area of a cell in square degrees, at the equator: 4.36 million km² at resolution 0, a seventh each step. */
function cellDegrees(resolution: number): number {
  return 4.36e6 / 7 ** resolution / 111.3 ** 2;
}
