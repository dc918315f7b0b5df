import { expect, it } from "vitest";
import { cellsOf, metrics, ROWS } from "./cell-values";
import { columnsOf } from "./columns";
import { rowOf } from "./result";

const A = "8a283080c907fff";
const B = "8a28309526cffff";

it("sums the rows of a cell", () => {
  const rows = [
    { cell: A, count: 2 },
    { cell: B, count: null },
    { cell: A, count: 3 },
    { cell: null, count: 9 },
  ].map(rowOf);
  const by = (metric: string) => cellsOf(columnsOf(rows), rows, metric).map(({ cell, value }) => [cell, value]);
  expect(by("count")).toEqual([
    [A, 5],
    [B, null],
  ]);
  expect(by(ROWS)).toEqual([
    [A, 2],
    [B, 1],
  ]);
});

it("shows no coordinates, and rows only where cells share them", () => {
  const row = rowOf({ latitude: 1.5, count: 2, year: 2024, cell: A });
  const bare = rowOf({ cell: A });
  expect(metrics(columnsOf([row]), [row])).toEqual(["count"]);
  expect(metrics(columnsOf([row]), [row, row])).toEqual(["count", ROWS]);
  expect(metrics(columnsOf([bare]), [bare])).toEqual([ROWS]);
});
