/** The chart that suits an answer, if any. */

import type { Column } from "./columns";
import type { Row } from "./row";

export type ChartShape =
  /** A number over time, one line per value of `series`. */
  | { kind: "line"; x: string; y: string; series: string | null }
  /** A number by name. */
  | { kind: "bars"; x: string; y: string }
  /** A number by weekday and hour. */
  | { kind: "week"; y: string };

const isTime = ({ kind }: Column) => kind === "time" || kind === "year";

/** Chooses a chart from the columns before the first number. */
export function findChartShape(columns: readonly Column[], rows: readonly Row[]): ChartShape | null {
  if (rows.length < 2 || columns.some(column => column.kind === "cell")) return null;
  const names = columns.map(column => column.name);
  const numbers = columns.filter(column => column.kind === "number").map(column => column.name);
  if (names.includes("weekday") && names.includes("hour")) {
    const y = numbers.find(name => name !== "weekday" && name !== "hour");
    return y === undefined ? null : { kind: "week", y };
  }
  const y = numbers[0];
  if (y === undefined) return null;
  const labels = columns.slice(0, names.indexOf(y));
  const texts = labels.filter(column => column.kind === "text").map(column => column.name);
  const times = labels.filter(isTime).map(column => column.name);
  if (times.length === 1 && times[0] !== undefined && texts.length <= 1) {
    // Times in ascending order are a line; a ranking of times is not.
    const values = rows.flatMap(row => row.get(times[0] as string) ?? []).map(String);
    const ordered = values.every((value, n) => n === 0 || value >= (values[n - 1] ?? ""));
    if (texts.length === 0 && !ordered) return { kind: "bars", x: times[0], y };
    return { kind: "line", x: times[0], y, series: texts[0] ?? null };
  }
  return texts.length === 1 && times.length === 0 && texts[0] !== undefined ? { kind: "bars", x: texts[0], y } : null;
}
