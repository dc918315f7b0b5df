/** Values by cell: the map shows one colour per cell, even if it has several rows. */

import { type Column, parseCell } from "./columns";
import type { Row } from "./row";

/** The name of the metric that counts rows. */
export const ROW_COUNT = "rows";

export interface CellValue {
  cell: string;
  /** The first of its rows. */
  row: Row;
  rows: number;
  value: number | null;
}

/** Returns the metrics that a map can show: numbers but coordinates. */
export function listMetrics(columns: readonly Column[], rows: readonly Row[]): string[] {
  const numbers = columns.filter(
    ({ name, kind }) => kind === "number" && !/^(latitude|longitude|lat|lng|lon|long)$/.test(name),
  );
  const name = columns.find(({ kind }) => kind === "cell")?.name ?? "cell";
  const shared = new Set(rows.map(row => row.get(name))).size < rows.length;
  const names = numbers.map(({ name }) => name);
  return shared || names.length === 0 ? [...names, ROW_COUNT] : names;
}

/** Returns the values of a metric, summed by cell. */
export function sumByCell(columns: readonly Column[], rows: readonly Row[], metric: string): CellValue[] {
  const name = columns.find(({ kind }) => kind === "cell")?.name ?? "cell";
  const counted = metric === ROW_COUNT && !columns.some(column => column.name === ROW_COUNT);
  const found = new Map<string, CellValue>();
  for (const row of rows) {
    const cell = parseCell(row.get(name));
    if (cell === null) continue;
    const number = row.get(metric);
    const value = counted ? 1 : number === null || number === undefined ? null : Number(number);
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
