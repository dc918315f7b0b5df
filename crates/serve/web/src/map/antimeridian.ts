/**
 * Longitudes around the antimeridian, which is both 180 and -180 degrees. Bounds and rings of the page continue beyond
 * these, so that west is below east; parameters for the server are converted back.
 */

import type { Bounds } from "./resolution";

/** Returns a longitude between -180 and 180 degrees. */
export const wrapLongitude = (lng: number): number =>
  lng >= -180 && lng <= 180 ? lng : lng - 360 * Math.floor((lng + 180) / 360);

/** Returns the bounds shifted by whole turns so that they are nearest to others. */
export function alignBounds(bounds: Bounds, others: Bounds): Bounds {
  const apart = (others.west + others.east - bounds.west - bounds.east) / 2;
  const turn = 360 * Math.round(apart / 360);
  return turn === 0 ? bounds : { ...bounds, west: bounds.west + turn, east: bounds.east + turn };
}

/** Returns longitudes shifted by whole turns so that they span the least range. */
export function unwrapLongitudes(lngs: readonly number[]): number[] {
  const sorted = [...new Set(lngs)].sort((a, b) => a - b);
  // The gap between the last and the first, around the world, counts as well.
  let widest = (sorted[0] ?? 0) + 360 - (sorted.at(-1) ?? 0);
  let first = sorted[0] ?? 0;
  sorted.forEach((lng, n) => {
    const gap = lng - (sorted[n - 1] ?? lng);
    if (gap > widest) {
      widest = gap;
      first = lng;
    }
  });
  return lngs.map(lng => (lng < first ? lng + 360 : lng));
}

/** Returns a box as the server takes it: within ±180 degrees, west above east if it crosses the antimeridian. */
export function toBox({ west, south, east, north }: Bounds): [number, number, number, number] {
  if (east - west >= 360) return [-180, south, 180, north];
  return [wrapLongitude(west), south, wrapLongitude(east), north];
}

/** Returns the bounds of such a box. */
export function toBounds([west, south, east, north]: readonly [number, number, number, number]): Bounds {
  return { west, south, east: east < west ? east + 360 : east, north };
}
