/** Windows by their lengths, and which two are compared where nobody chose them. */

import type { OpenWindow, Window } from "../state/view-state";
import { formatWallClock, parseMillis } from "../util/format";
import { addSteps } from "./calendar-steps";

const DAY_MS = 86_400_000;

/** The length of a window. */
export const countDays = ({ start, end }: Window): number => (parseMillis(end) - parseMillis(start)) / DAY_MS;

/** A window with its open ends where what there is begins and ends; null where none is left. */
export function closeWindow(span: OpenWindow | null, all: Window | null): Window | null {
  const [start, end] = [span?.start ?? all?.start, span?.end ?? all?.end];
  return span && start && end && parseMillis(start) < parseMillis(end) ? { start, end } : null;
}

/** The window of the same length just before. */
export function precedingWindow({ start, end }: Window): Window {
  return { start: formatWallClock(2 * parseMillis(start) - parseMillis(end)), end: start };
}

/** The last whole months of what there is and as many just before them; days, where there is less than two months. */
function splitRange(all: Window): [Window, Window] {
  const end = parseMillis(all.end);
  let months = 0;
  while (addSteps(end, "month", -months - 1) >= parseMillis(all.start)) months += 1;
  const half = Math.floor(countDays(all) / 2) * DAY_MS;
  const back = (n: number) =>
    formatWallClock(months < 2 ? end - n * half : addSteps(end, "month", -n * Math.floor(months / 2)));
  return [
    { start: back(1), end: all.end },
    { start: back(2), end: back(1) },
  ];
}

/**
 * The first window of a comparison and the second: what is chosen and what lies before, or after where nothing lies
 * before. Null while it is not known what there is, and nothing is chosen.
 */
export function chooseComparison(window: Window | null, all: Window | null): [Window, Window] | null {
  if (!all) return window && [window, precedingWindow(window)];
  if (window && parseMillis(window.start) > parseMillis(all.start)) return [window, precedingWindow(window)];
  if (window && parseMillis(window.end) < parseMillis(all.end)) {
    return [
      window,
      { start: window.end, end: formatWallClock(2 * parseMillis(window.end) - parseMillis(window.start)) },
    ];
  }
  return splitRange(all);
}
