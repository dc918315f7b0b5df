/** From when to when there are incidents, and what part of it the histogram shows. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { withCity } from "../api/resources";
import type { Count } from "../api/types";
import { afterMapDrawn } from "../map/questions";
import { countQuestion } from "../state/questions";
import { filters, histogramWindow, type Window } from "../state/view-state";
import { formatWallClock } from "../util/format";
import { addSteps } from "./calendar-steps";
import { closeWindow } from "./comparison-windows";

const monthsAnswer = watchAnswer<Count[]>(
  afterMapDrawn(() =>
    countQuestion(["time"], withCity([]), [
      ["time_precision", "1mo"],
      ["dated", "true"],
    ]),
  ),
);

/** Months with less than this part of the average are left out at both ends: a mistyped year is no time to start at. */
const MIN_MONTH_FRACTION = 0.01;

/** From the first month with incidents to the last, the whole months. */
export const dataRange = computed((): Window | null => {
  const rows = (monthsAnswer.value.rows ?? []).filter(row => row.occurred_at);
  if (rows.length === 0) return null;
  const average = rows.reduce((sum, row) => sum + row.count, 0) / rows.length;
  const usual = rows
    .filter(row => row.count >= MIN_MONTH_FRACTION * average)
    .map(row => row.occurred_at ?? "")
    .sort();
  const [first, last] = [usual[0] ?? "", usual[usual.length - 1] ?? ""];
  return {
    start: first.slice(0, 10),
    end: formatWallClock(addSteps(Date.parse(`${last.slice(0, 10)}T00:00Z`), "month")),
  };
});

/** The window that is chosen, an open end where what there is ends. */
export const selectedWindow = computed(() => closeWindow(filters.value.window, dataRange.value));

/** What the histogram shows. */
export const histogramRange = computed(() => histogramWindow.value ?? dataRange.value);
