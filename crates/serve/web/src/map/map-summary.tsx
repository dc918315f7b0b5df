/** The totals over the map. */

import { computed } from "@preact/signals";
import { type AnswerState, watchAnswer } from "../api/answer";
import { withCity } from "../api/resources";
import type { Count } from "../api/types";
import { CopyMenu } from "../components/copy-menu";
import { emptyText } from "../components/panel";
import { countQuestion, filterParams, whileMapShown, withWindow } from "../state/questions";
import { comparisonShown, comparisonWindow, filters, mode } from "../state/view-state";
import { formatInteger, incidentNoun } from "../util/format";
import { comparedDays, picture } from "./picture";
import { afterMapDrawn, comparisonAnswer, DEBOUNCE_MS, mapAnswer, mapQuestion, viewFilter } from "./questions";

const totalAnswer = watchAnswer<Count[]>(
  whileMapShown(() => countQuestion([], withCity(filterParams(filters.value)))),
  DEBOUNCE_MS,
);
const unlocatedAnswer = watchAnswer<Count[]>(
  afterMapDrawn(() => countQuestion([], withCity(filterParams(filters.value)), [["located", "false"]])),
  DEBOUNCE_MS,
);
const comparisonTotalAnswer = watchAnswer<Count[]>(
  whileMapShown(() =>
    mode.value === "compare" && comparisonWindow.value
      ? countQuestion([], withCity(filterParams(withWindow(filters.value, comparisonWindow.value))))
      : null,
  ),
  DEBOUNCE_MS,
);
const undatedAnswer = watchAnswer<Count[]>(
  afterMapDrawn(() =>
    filters.value.window ? null : countQuestion([], withCity(filterParams(filters.value)), [["dated", "false"]]),
  ),
  DEBOUNCE_MS,
);

/** Whether the map shows the second window of a comparison. */
const showsWindowB = computed(
  () => mode.value === "compare" && comparisonWindow.value !== null && comparisonShown.value === "b",
);
/** The incidents in view; if all are, the sum of the cells is enough. */
const viewAnswer = watchAnswer<Count[]>(
  afterMapDrawn(() => {
    if (viewFilter.value.length === 0) return null;
    const window = showsWindowB.value ? comparisonWindow.value : filters.value.window;
    return countQuestion([], withCity(filterParams(withWindow(filters.value, window))), [
      ["located", "true"],
      ...viewFilter.value,
    ]);
  }),
  DEBOUNCE_MS,
);

/** Returns the count of an answer; null if the current question failed. */
const readCount = (answer: AnswerState<Count[]>) => (answer.problem ? null : (answer.rows?.[0]?.count ?? null));

/** Returns the number of incidents on the map. */
function countOnMap(): number | null {
  if (viewFilter.value.length > 0) return readCount(viewAnswer.value);
  const { rows, problem } = showsWindowB.value ? comparisonAnswer.value : mapAnswer.value;
  return problem || rows === null ? null : rows.reduce((sum: number, row) => sum + row.count, 0);
}

/** Formats the change from B to A in percent, per day if the windows differ in length. */
function formatChange(a: number, b: number): string {
  const [daysOfA, daysOfB] = comparedDays.value ?? [1, 1];
  const part = 100 * (a / daysOfA / (b / daysOfB) - 1);
  return `${part < 0 ? "−" : "+"}${Math.abs(part).toFixed(1)} %${comparedDays.value ? " per day" : ""}`;
}

/** Explains an empty map if all incidents are unlocated. */
export function UnlocatedNotice() {
  const all = readCount(totalAnswer.value);
  if (!all || all !== readCount(unlocatedAnswer.value) || picture.value.cells.length > 0) return null;
  return (
    <p class="notice" role="status">
      {all === 1
        ? "This incident has no usable location."
        : `None of these ${formatInteger(all)} incidents has a usable location.`}
    </p>
  );
}

/** The totals. */
export function MapSummary() {
  const all = readCount(totalAnswer.value);
  const without = readCount(unlocatedAnswer.value);
  const undated = readCount(undatedAnswer.value);
  const before = readCount(comparisonTotalAnswer.value);
  const problem =
    mapAnswer.value.problem ??
    totalAnswer.value.problem ??
    comparisonTotalAnswer.value.problem ??
    comparisonAnswer.value.problem ??
    viewAnswer.value.problem;
  const shown = countOnMap();
  return (
    <section class="summary" aria-label="Totals" aria-live="polite" aria-busy={viewAnswer.value.loading}>
      <div>
        {/* The test id is set once the total is known. */}
        {all === null ? <strong>…</strong> : <strong data-testid="total">{formatInteger(all)}</strong>}{" "}
        {incidentNoun(all ?? 0)}
        {before !== null && all !== null && (
          <span class="comparison">
            {" "}
            vs. <b data-testid="total-b">{formatInteger(before)}</b> in B
            {before > 0 && ` (${formatChange(all, before)})`}
          </span>
        )}
        <CopyMenu title="Cells on the map" question={mapQuestion.value} />
      </div>
      <small>
        <span data-testid="shown">{shown === null ? "…" : formatInteger(shown)}</span> on the map
        {without !== null && without > 0 && (
          <>
            {" "}
            · <span data-testid="unlocated">{formatInteger(without)}</span> unlocated
          </>
        )}
        {undated !== null && undated > 0 && <> · {formatInteger(undated)} undated</>}
      </small>
      {problem && (
        <p class="failure" role="alert">
          {problem.detail}
        </p>
      )}
      {all === 0 && <p class="empty">{emptyText.value}</p>}
    </section>
  );
}
