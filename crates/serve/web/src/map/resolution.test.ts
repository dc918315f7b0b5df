import { cellToLatLng, cellToParent, getResolution, latLngToCell } from "h3-js";
import { expect, test } from "vitest";
import { coverBounds, resolutionAt, roundBounds } from "./resolution";

test("the resolution follows the zoom within the lake's range", () => {
  const zooms = Array.from({ length: 230 }, (_, n) => n / 10);
  const found = zooms.map(resolutionAt);
  expect(found).toEqual([...found].sort((a, b) => a - b));
  expect(found[0]).toBe(1);
  expect(found.at(-1)).toBe(10);
});

test("few coarse cells cover every cell in view", () => {
  const bounds = { west: -122.45, south: 37.75, east: -122.4, north: 37.79 };
  for (const resolution of [7, 8, 9, 10]) {
    const cells = coverBounds(bounds, resolution) ?? [];
    expect(cells.length).toBeGreaterThan(0);
    expect(cells.length).toBeLessThanOrEqual(48);
    const coarse = getResolution(cells[0] ?? "");
    for (let n = 0; n <= 100; n += 1) {
      const lat = bounds.south + ((bounds.north - bounds.south) * (n % 11)) / 10;
      const lng = bounds.west + ((bounds.east - bounds.west) * Math.floor(n / 11)) / 10;
      const fine = latLngToCell(lat, Math.min(lng, bounds.east), resolution);
      expect(cells).toContain(cellToParent(fine, coarse));
    }
  }
  expect(coverBounds({ west: -170, south: -60, east: 170, north: 70 }, 1)).toBeNull();
  expect(cellToLatLng(coverBounds(bounds, 9)?.[0] ?? "")[0]).toBeCloseTo(37.77, 0);
});

test("bounds are rounded outward and stay on the globe", () => {
  const seen = { west: -122.4500049, south: 37.7500049, east: -122.4000049, north: 37.7900001 };
  expect(roundBounds(seen)).toEqual({ west: -122.45001, south: 37.75, east: -122.4, north: 37.79001 });
  const wide = { west: -190, south: -95, east: 200, north: 91 };
  expect(roundBounds(wide)).toEqual({ west: -180, south: -90, east: 180, north: 90 });
  // Bounds across the antimeridian continue beyond 180.
  const across = { west: 170, south: -20, east: 190, north: -10 };
  expect(roundBounds(across)).toEqual(across);
});

test("a view across the antimeridian is covered on both sides", () => {
  const cells = coverBounds({ west: 179.5, south: -17.5, east: 180.5, north: -16.5 }, 7) ?? [];
  for (const lng of [179.5, 179.9, 180, -180, -179.9, -179.6]) {
    expect(cells).toContain(cellToParent(latLngToCell(-17, lng, 7), getResolution(cells[0] ?? "")));
  }
  expect(coverBounds({ west: -180.5, south: -17.5, east: -179.5, north: -16.5 }, 7)).toEqual(cells);
});
