/** Counts over time as bars, one for each step of the calendar. */

import type { Count } from "../api/types";
import type { Window } from "../state/view-state";
import { clock, millis, wallClock, whole } from "../util/format";
import { floor, next, type Step } from "./calendar-steps";

/** A time, and how many. */
export type Point = [at: number, count: number];

/** Every step of a window with its count. One without any is zero, and no gap that a line or a bar reaches over. */
export function filled(rows: readonly Count[], window: Window | null, step: Step): Point[] {
  if (!window) return [];
  const counted = new Map<number, number>();
  for (const { occurred_at, count } of rows) {
    if (!occurred_at) continue;
    const at = floor(millis(occurred_at), step);
    counted.set(at, (counted.get(at) ?? 0) + count);
  }
  const points: Point[] = [];
  const end = millis(window.end);
  for (let at = floor(millis(window.start), step); at < end; at = next(at, step)) {
    points.push([at, counted.get(at) ?? 0]);
  }
  return points;
}

/** The bars of some points: each stands in the middle of its step. */
export const barSeries = (points: readonly Point[], step: Step) => ({
  type: "bar",
  data: points.map(([at, count]) => [(at + next(at, step)) / 2, count]),
  barCategoryGap: "12%",
});

/** What a bar says when it is pointed at: the step that it stands for, and not its middle. */
export const barTooltip = (step: Step) => ({
  formatter: ([{ value }]: [{ value: Point }]) =>
    `${clock(wallClock(floor(value[0], step))).slice(0, step === "year" ? 4 : step === "month" ? 7 : undefined)}  ${whole(value[1])}`,
});
