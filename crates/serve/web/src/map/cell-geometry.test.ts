import { cellToBoundary, latLngToCell } from "h3-js";
import { expect, test } from "vitest";
import { cellFeature, cellRing, touchesBounds } from "./cell-geometry";

/** The shoelace formula, in square degrees. */
const area = (ring: readonly (readonly [number, number])[]) =>
  ring.reduce((sum, [x, y], n) => {
    const [nextX, nextY] = ring[(n + 1) % ring.length] ?? [x, y];
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);

test("a cell on the antimeridian is as narrow as others", () => {
  for (const lng of [179.999, -179.999, 180, -180]) {
    for (const resolution of [2, 5, 9]) {
      const corners = cellRing(latLngToCell(-17, lng, resolution));
      const away = cellRing(latLngToCell(-17, 150, resolution));
      const width = (of: typeof corners) => Math.max(...of.map(at => at[0])) - Math.min(...of.map(at => at[0]));
      expect(width(corners)).toBeLessThan(2 * width(away));
      expect(area(corners)).toBeGreaterThan(area(away) / 3);
      expect(touchesBounds(latLngToCell(-17, lng, resolution), { west: 179, south: -18, east: 181, north: -16 })).toBe(
        true,
      );
      expect(
        touchesBounds(latLngToCell(-17, lng, resolution), { west: -181, south: -18, east: -179, north: -16 }),
      ).toBe(true);
    }
  }
});

test("a cell with a pole is a band up to it", () => {
  for (const [pole, sign] of [
    [90, 1],
    [-90, -1],
  ] as const) {
    const corners = cellRing(latLngToCell(pole, 0, 3));
    expect(Math.max(...corners.map(([, lat]) => sign * lat))).toBe(90);
    expect(area(corners)).toBeGreaterThan(0);
    expect(cellFeature(latLngToCell(pole, 0, 3)).geometry.type).toBe("Polygon");
  }
});

test("a cell touches bounds if its bounding box does", () => {
  const cell = latLngToCell(37.77, -122.42, 9);
  const corners = cellToBoundary(cell);
  const [lat, lng] = [corners.map(at => at[0]), corners.map(at => at[1])];
  const box = { west: Math.min(...lng), south: Math.min(...lat), east: Math.max(...lng), north: Math.max(...lat) };
  expect(touchesBounds(cell, box)).toBe(true);
  // Small bounds inside it, and bounds that only touch its edge.
  expect(touchesBounds(cell, { west: -122.42, south: 37.77, east: -122.42, north: 37.77 })).toBe(true);
  expect(touchesBounds(cell, { ...box, west: box.east, east: box.east + 1 })).toBe(true);
  expect(touchesBounds(cell, { ...box, west: box.east + 1e-5, east: box.east + 1 })).toBe(false);
  expect(touchesBounds(cell, { ...box, south: box.north + 1e-5, north: box.north + 1 })).toBe(false);
});
