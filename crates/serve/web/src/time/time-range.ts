/** The range of time of the data, and the part that the histogram shows. */

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

/** Months at both ends with a smaller fraction of the average are omitted, such as mistyped years. */
const MIN_MONTH_FRACTION = 0.01;

/** From the first to the last month with incidents, whole months. */
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

/** The selected window; an open end becomes the end of the data. */
export const selectedWindow = computed(() => closeWindow(filters.value.window, dataRange.value));

/** The window of the histogram. */
export const histogramRange = computed(() => histogramWindow.value ?? dataRange.value);
