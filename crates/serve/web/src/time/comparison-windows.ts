/** Lengths of windows, and the default windows of a comparison. */

import type { OpenWindow, Window } from "../state/view-state";
import { formatWallClock, parseMillis } from "../util/format";
import { addSteps } from "./calendar-steps";

const DAY_MS = 86_400_000;

/** Returns the length of a window in days. */
export const countDays = ({ start, end }: Window): number => (parseMillis(end) - parseMillis(start)) / DAY_MS;

/** Returns a window with open ends closed by the range of the data; null if it is empty. */
export function closeWindow(span: OpenWindow | null, all: Window | null): Window | null {
  const [start, end] = [span?.start ?? all?.start, span?.end ?? all?.end];
  return span && start && end && parseMillis(start) < parseMillis(end) ? { start, end } : null;
}

/** Returns the window of the same length just before. */
export function precedingWindow({ start, end }: Window): Window {
  return { start: formatWallClock(2 * parseMillis(start) - parseMillis(end)), end: start };
}

/** Splits a range into its last whole months and as many before; into days if it is shorter than two months. */
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
 * Returns the windows of a comparison: the selected one and the one before, or the one after if there is no data before.
 * Returns null without a selected window and a range of data.
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
