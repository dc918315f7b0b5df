import { expect, it } from "vitest";
import { listMetrics, ROW_COUNT, sumByCell } from "./cell-values";
import { inferColumns } from "./columns";
import { toRow } from "./row";

const A = "8a283080c907fff";
const B = "8a28309526cffff";

it("sums the rows of a cell", () => {
  const rows = [
    { cell: A, count: 2 },
    { cell: B, count: null },
    { cell: A, count: 3 },
    { cell: null, count: 9 },
  ].map(toRow);
  const by = (metric: string) => sumByCell(inferColumns(rows), rows, metric).map(({ cell, value }) => [cell, value]);
  expect(by("count")).toEqual([
    [A, 5],
    [B, null],
  ]);
  expect(by(ROW_COUNT)).toEqual([
    [A, 2],
    [B, 1],
  ]);
});

it("omits coordinates, counts rows only if cells share them", () => {
  const row = toRow({ latitude: 1.5, count: 2, year: 2024, cell: A });
  const cellOnly = toRow({ cell: A });
  expect(listMetrics(inferColumns([row]), [row])).toEqual(["count"]);
  expect(listMetrics(inferColumns([row]), [row, row])).toEqual(["count", ROW_COUNT]);
  expect(listMetrics(inferColumns([cellOnly]), [cellOnly])).toEqual([ROW_COUNT]);
});
