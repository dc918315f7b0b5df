import { expect, test } from "vitest";
import type { Step } from "./calendar-steps";
import { buildTimeLabels } from "./time-axis";

const labels = (start: string, end: string, finest: Step) => [
  ...buildTimeLabels(Date.parse(start), Date.parse(end) - 1, finest).values(),
];

test("the first label and each new year show the year", () => {
  expect(labels("2023-09-01", "2024-06-01", "month")).toEqual(["Sep 2023", "Nov", "2024", "Mar", "May"]);
  expect(labels("2023-10-01", "2024-10-01", "month")).toEqual(["Oct 2023", "2024", "Apr", "Jul"]);
  expect(labels("2023-01-01", "2026-07-01", "week")).toEqual(["2023", "2024", "2025", "2026"]);
  expect(labels("2023-12-20", "2024-01-20", "day")).toEqual(["25 Dec 2023", "1 Jan 2024", "8 Jan", "15 Jan"]);
  expect(labels("2024-03-01", "2024-03-03", "hour")).toEqual(["1 Mar 2024", "12:00", "2 Mar", "12:00"]);
});

test("labels are no finer than asked, and few", () => {
  expect(labels("2024-03-01", "2024-05-01", "month")).toEqual(["Mar 2024", "Apr"]);
  for (const end of ["2023-01-02", "2023-01-09", "2023-03-01", "2024-05-05", "2030-01-01", "2190-01-01"])
    for (const step of ["hour", "day", "week", "month", "year"] as const)
      expect(labels("2023-01-01", end, step).length).toBeLessThanOrEqual(8);
});
