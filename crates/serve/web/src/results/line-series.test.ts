import { expect, it } from "vitest";
import { findChartShape } from "./chart-shape";
import { inferColumns } from "./columns";
import { toLineSeries } from "./line-series";
import { toRow } from "./row";

const drawn = (objects: object[]) => {
  const rows = objects.map(toRow);
  const shape = findChartShape(inferColumns(rows), rows);
  return shape?.kind === "line" ? toLineSeries(shape, rows) : shape;
};

it("omits rows without a time from lines", () => {
  const dated = [
    { month: "2024-01-01T00:00:00", count: 1 },
    { month: "2024-02-01T00:00:00", count: 2 },
  ];
  const line = { times: ["2024-01-01", "2024-02-01"], lines: [{ name: "count", values: [1, 2] }] };
  expect(drawn([{ month: null, count: 9 }, ...dated])).toEqual(line);
  expect(drawn([...dated, { month: null, count: 9 }])).toEqual(line);
});

it("ranks lines by the sum of their points", () => {
  const row = (month: string | null, district: string, count: number) => ({ month, district, count });
  const rows = [row(null, "A", 99), row("2024-01-01", "A", 1), row("2024-01-01", "B", 2), row("2024-02-01", "B", 3)];
  expect(drawn(rows)).toEqual({
    times: ["2024-01-01", "2024-02-01"],
    lines: [
      { name: "B", values: [2, 3] },
      { name: "A", values: [1, null] },
    ],
  });
});
