import { expect, test } from "vitest";
import { addSteps } from "./calendar-steps";
import { buildBarSeries, fillSteps } from "./time-bars";

const window = { start: "2023-01-01", end: "2023-02-15" };
const counted = [{ occurred_at: "2023-01-16T00:00:00", count: 3 }];

test("every step of a window has a count, or zero", () => {
  const weeks = fillSteps(counted, window, "week");
  expect(weeks.map(([at, count]) => [new Date(at).toISOString().slice(0, 10), count])).toEqual([
    ["2022-12-26", 0],
    ["2023-01-02", 0],
    ["2023-01-09", 0],
    ["2023-01-16", 3],
    ["2023-01-23", 0],
    ["2023-01-30", 0],
    ["2023-02-06", 0],
    ["2023-02-13", 0],
  ]);
  expect(fillSteps(counted, window, "month").map(([, count]) => count)).toEqual([3, 0]);
  expect(fillSteps(counted, null, "week")).toEqual([]);
});

test("a bar is in the middle of its step", () => {
  for (const step of ["day", "week", "month"] as const) {
    const points = fillSteps(counted, window, step);
    for (const [n, [at]] of points.entries()) {
      const middle = buildBarSeries(points, step).data[n]?.[0] ?? 0;
      expect(middle - at).toBe(addSteps(at, step) - middle);
    }
  }
});
