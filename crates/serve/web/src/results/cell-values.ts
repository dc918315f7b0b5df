/** Rows by cell: a map has one colour for each, however many rows lie in it. */

import { type Column, parseCell } from "./columns";
import type { Row } from "./row";

/** Stands for the number of rows, where the rows have no number of their own. */
export const ROW_COUNT = "rows";

export interface CellValue {
  cell: string;
  /** The first of its rows. */
  row: Row;
  rows: number;
  value: number | null;
}

/** The numbers that a map can show; where a row lies is none of them. */
export function listMetrics(columns: readonly Column[], rows: readonly Row[]): string[] {
  const numbers = columns.filter(
    ({ name, kind }) => kind === "number" && !/^(latitude|longitude|lat|lng|lon|long)$/.test(name),
  );
  const name = columns.find(({ kind }) => kind === "cell")?.name ?? "cell";
  const shared = new Set(rows.map(row => row.get(name))).size < rows.length;
  const names = numbers.map(({ name }) => name);
  return shared || names.length === 0 ? [...names, ROW_COUNT] : names;
}

/** The cells with their values, summed where several rows share one. */
export function sumByCell(columns: readonly Column[], rows: readonly Row[], metric: string): CellValue[] {
  const name = columns.find(({ kind }) => kind === "cell")?.name ?? "cell";
  const counted = metric === ROW_COUNT && !columns.some(column => column.name === ROW_COUNT);
  const found = new Map<string, CellValue>();
  for (const row of rows) {
    const cell = parseCell(row.get(name));
    if (cell === null) continue;
    const given = row.get(metric);
    const value = counted ? 1 : given === null || given === undefined ? null : Number(given);
    const before = found.get(cell);
    if (before === undefined) {
      found.set(cell, { cell, row, rows: 1, value });
    } else {
      before.rows += 1;
      if (value !== null) before.value = (before.value ?? 0) + value;
    }
  }
  return [...found.values()];
}
