/** Counts over time as bars, one per step of the calendar. */

import type { Count } from "../api/types";
import type { Window } from "../state/view-state";
import { formatInteger, formatTime, formatWallClock, parseMillis } from "../util/format";
import { addSteps, floorToStep, type Step } from "./calendar-steps";

/** A time and a count. */
export type TimeCount = [at: number, count: number];

/** Returns every step of a window with its count; zero if it has no incidents. */
export function fillSteps(rows: readonly Count[], window: Window | null, step: Step): TimeCount[] {
  if (!window) return [];
  const counted = new Map<number, number>();
  for (const { occurred_at, count } of rows) {
    if (!occurred_at) continue;
    const at = floorToStep(parseMillis(occurred_at), step);
    counted.set(at, (counted.get(at) ?? 0) + count);
  }
  const points: TimeCount[] = [];
  const end = parseMillis(window.end);
  for (let at = floorToStep(parseMillis(window.start), step); at < end; at = addSteps(at, step)) {
    points.push([at, counted.get(at) ?? 0]);
  }
  return points;
}

/** Returns the bars of counts, each in the middle of its step. */
export const buildBarSeries = (points: readonly TimeCount[], step: Step) => ({
  type: "bar",
  data: points.map(([at, count]) => [(at + addSteps(at, step)) / 2, count]),
  barCategoryGap: "12%",
});

/** Returns a tooltip with the step of a bar instead of its middle. */
export const buildBarTooltip = (step: Step) => ({
  formatter: ([{ value }]: [{ value: TimeCount }]) =>
    `${formatTime(formatWallClock(floorToStep(value[0], step))).slice(0, step === "year" ? 4 : step === "month" ? 7 : undefined)}  ${formatInteger(value[1])}`,
});
