/** Windows by their lengths, and which two are compared where nobody chose them. */

import type { Span, Window } from "../state/view-state";
import { millis, wallClock } from "../util/format";
import { next } from "./calendar-steps";

const DAY_MS = 86_400_000;

/** The length of a window. */
export const days = ({ start, end }: Window): number => (millis(end) - millis(start)) / DAY_MS;

/** A window with its open ends where what there is begins and ends; null where none is left. */
export function closed(span: Span | null, all: Window | null): Window | null {
  const [start, end] = [span?.start ?? all?.start, span?.end ?? all?.end];
  return span && start && end && millis(start) < millis(end) ? { start, end } : null;
}

/** The window of the same length just before. */
export function before({ start, end }: Window): Window {
  return { start: wallClock(2 * millis(start) - millis(end)), end: start };
}

/** The last whole months of what there is and as many just before them; days, where there is less than two months. */
function halves(all: Window): [Window, Window] {
  const end = millis(all.end);
  let months = 0;
  while (next(end, "month", -months - 1) >= millis(all.start)) months += 1;
  const half = Math.floor(days(all) / 2) * DAY_MS;
  const back = (n: number) => wallClock(months < 2 ? end - n * half : next(end, "month", -n * Math.floor(months / 2)));
  return [
    { start: back(1), end: all.end },
    { start: back(2), end: back(1) },
  ];
}

/**
 * The first window of a comparison and the second: what is chosen and what lies before, or after where nothing lies
 * before. Null while it is not known what there is, and nothing is chosen.
 */
export function periods(window: Window | null, all: Window | null): [Window, Window] | null {
  if (!all) return window && [window, before(window)];
  if (window && millis(window.start) > millis(all.start)) return [window, before(window)];
  if (window && millis(window.end) < millis(all.end)) {
    return [window, { start: window.end, end: wallClock(2 * millis(window.end) - millis(window.start)) }];
  }
  return halves(all);
}
