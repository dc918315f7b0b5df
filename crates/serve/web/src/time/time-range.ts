/** From when to when there are incidents, and what part of it the histogram shows. */

import { computed } from "@preact/signals";
import { follow } from "../api/answer";
import type { Count } from "../api/types";
import { afterMap, asked } from "../map/questions";
import { counts } from "../state/questions";
import { filters, histogram, type Window } from "../state/view-state";
import { wallClock } from "../util/format";
import { next } from "./calendar-steps";
import { closed } from "./comparison-windows";

const months = follow<Count[]>(
  afterMap(() =>
    counts(["time"], asked([]), [
      ["time_precision", "1mo"],
      ["dated", "true"],
    ]),
  ),
);

/** Months with less than this part of the average are left out at both ends: a mistyped year is no time to start at. */
const STRAY = 0.01;

/** From the first month with incidents to the last, the whole months. */
export const span = computed((): Window | null => {
  const rows = (months.value.rows ?? []).filter(row => row.occurred_at);
  if (rows.length === 0) return null;
  const average = rows.reduce((sum, row) => sum + row.count, 0) / rows.length;
  const usual = rows
    .filter(row => row.count >= STRAY * average)
    .map(row => row.occurred_at ?? "")
    .sort();
  const [first, last] = [usual[0] ?? "", usual[usual.length - 1] ?? ""];
  return { start: first.slice(0, 10), end: wallClock(next(Date.parse(`${last.slice(0, 10)}T00:00Z`), "month")) };
});

/** The window that is chosen, an open end where what there is ends. */
export const chosen = computed(() => closed(filters.value.window, span.value));

/** What the histogram shows. */
export const shown = computed(() => histogram.value ?? span.value);
