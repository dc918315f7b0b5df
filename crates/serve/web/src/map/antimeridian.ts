/**
 * Longitudes around the 180th meridian, which is one place with two of them. Bounds and rings here go on beyond 180 or -180,
 * so that west is below east and neighbours are side by side; on the way to the server they are put back.
 */

import type { Bounds } from "./resolution";

/** The same place between -180 and 180 degrees. */
export const wrapLongitude = (lng: number): number =>
  lng >= -180 && lng <= 180 ? lng : lng - 360 * Math.floor((lng + 180) / 360);

/** The bounds turned round the world so that they lie as near as can be to others. */
export function alignBounds(bounds: Bounds, others: Bounds): Bounds {
  const apart = (others.west + others.east - bounds.west - bounds.east) / 2;
  const turn = 360 * Math.round(apart / 360);
  return turn === 0 ? bounds : { ...bounds, west: bounds.west + turn, east: bounds.east + turn };
}

/** Longitudes turned so that they lie close together: all but the widest gap between two of them. */
export function unwrapLongitudes(lngs: readonly number[]): number[] {
  const sorted = [...new Set(lngs)].sort((a, b) => a - b);
  // What lies between the last and the first, round the other side of the world, is a gap as any.
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

/** A box as the server takes it: between -180 and 180 degrees, west above east where it goes across the meridian. */
export function toBox({ west, south, east, north }: Bounds): [number, number, number, number] {
  if (east - west >= 360) return [-180, south, 180, north];
  return [wrapLongitude(west), south, wrapLongitude(east), north];
}

/** The bounds of such a box. */
export function toBounds([west, south, east, north]: readonly [number, number, number, number]): Bounds {
  return { west, south, east: east < west ? east + 360 : east, north };
}
