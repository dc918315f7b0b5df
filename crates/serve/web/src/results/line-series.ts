/** The series of a line chart. */

import { labelText } from "../util/format";
import type { ChartShape } from "./chart-shape";
import type { Row, Value } from "./row";

/** More lines could not be distinguished. */
const MAX_LINES = 8;

export const toNumber = (value: Value | undefined): number => Number(value ?? 0);
const formatText = (value: Value | undefined): string =>
  labelText(value === null || value === undefined ? null : String(value));
/** Formats a time without zeros at its end; returns any other text unchanged. */
export const formatTimeValue = (value: Value | undefined): string =>
  formatText(value)
    .replace(/^(\d{4}-\d\d-\d\d)T(.*?)(:00)?$/, "$1 $2")
    .replace(/ 00:00$/, "");

interface Line {
  name: string;
  /** One per time; null if the answer has none. */
  values: (number | null)[];
}

/** Returns the times in order and the greatest lines. Rows without a time are omitted. */
export function toLineSeries(
  shape: ChartShape & { kind: "line" },
  rows: readonly Row[],
): { times: string[]; lines: Line[] } {
  const name = (row: Row) => (shape.series === null ? shape.y : formatText(row.get(shape.series)));
  const sums = new Map<string, number>();
  const counted = new Map<string, Map<string, number>>();
  for (const row of rows) {
    const at = row.get(shape.x);
    if (at === null || at === undefined) continue;
    const [series, n] = [name(row), toNumber(row.get(shape.y))];
    sums.set(series, (sums.get(series) ?? 0) + n);
    const line = counted.get(series) ?? new Map<string, number>();
    counted.set(series, line.set(formatTimeValue(at), n));
  }
  const times = [...new Set([...counted.values()].flatMap(line => [...line.keys()]))].sort();
  const greatest = [...sums].sort((a, b) => b[1] - a[1]).slice(0, MAX_LINES);
  const lines = greatest.map(([name]) => ({ name, values: times.map(at => counted.get(name)?.get(at) ?? null) }));
  return { times, lines };
}
