import { cellToBoundary, latLngToCell } from "h3-js";
import { expect, test } from "vitest";
import { touches } from "./hexes";

test("a cell is on screen as soon as the box around it touches what is in view", () => {
  const cell = latLngToCell(37.77, -122.42, 9);
  const corners = cellToBoundary(cell);
  const [lat, lng] = [corners.map(at => at[0]), corners.map(at => at[1])];
  const box = { west: Math.min(...lng), south: Math.min(...lat), east: Math.max(...lng), north: Math.max(...lat) };
  expect(touches(cell, box)).toBe(true);
  // Small bounds inside it, and those that only reach its edge.
  expect(touches(cell, { west: -122.42, south: 37.77, east: -122.42, north: 37.77 })).toBe(true);
  expect(touches(cell, { ...box, west: box.east, east: box.east + 1 })).toBe(true);
  expect(touches(cell, { ...box, west: box.east + 1e-5, east: box.east + 1 })).toBe(false);
  expect(touches(cell, { ...box, south: box.north + 1e-5, north: box.north + 1 })).toBe(false);
});
