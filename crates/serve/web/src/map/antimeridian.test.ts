import { expect, test } from "vitest";
import { alignBounds, toBounds, toBox, unwrapLongitudes, wrapLongitude } from "./antimeridian";

test("longitudes are wrapped to ±180 degrees", () => {
  expect([180, -180, 181, -190, 539, 0].map(wrapLongitude)).toEqual([180, -180, -179, 170, 179, 0]);
});

test("longitudes across the antimeridian are unwrapped", () => {
  expect(unwrapLongitudes([179, -179, 178])).toEqual([179, 181, 178]);
  expect(unwrapLongitudes([-122.4, -122.5, -87.6])).toEqual([-122.4, -122.5, -87.6]);
  expect(unwrapLongitudes([7])).toEqual([7]);
  expect(unwrapLongitudes([])).toEqual([]);
});

test("bounds are shifted by turns towards others", () => {
  const view = { west: -190, south: -20, east: -170, north: -10 };
  const city = { west: 175, south: -18, east: 182, north: -16 };
  expect(alignBounds(view, city)).toEqual({ west: 170, south: -20, east: 190, north: -10 });
  expect(alignBounds(city, city)).toBe(city);
});

test("a box across the antimeridian has west above east", () => {
  const across = { west: 179, south: -18, east: 182, north: -16 };
  expect(toBox(across)).toEqual([179, -18, -178, -16]);
  expect(toBounds(toBox(across))).toEqual(across);
  expect(toBox({ west: -200, south: -90, east: 170, north: 90 })).toEqual([-180, -90, 180, 90]);
});
