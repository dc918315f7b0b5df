/** How many, at a glance, and how many of them the map cannot show. */

import { computed } from "@preact/signals";
import { follow, type Known } from "../api/answer";
import type { Count } from "../api/types";
import { CopyMenu } from "../components/copy-menu";
import { nothing } from "../components/panel";
import { counts, during, params } from "../state/questions";
import { comparedTo, compareShows, filters, mode } from "../state/view-state";
import { incidents, whole } from "../util/format";
import {
  afterMap,
  asked,
  inView,
  lengthsCompared,
  mapAnswer,
  mapQuestion,
  onMap,
  otherAnswer,
  picture,
  WAIT_MS,
} from "./questions";

const total = follow<Count[]>(
  onMap(() => counts([], asked(params(filters.value)))),
  WAIT_MS,
);
const placeless = follow<Count[]>(
  afterMap(() => counts([], asked(params(filters.value)), [["located", "false"]])),
  WAIT_MS,
);
const other = follow<Count[]>(
  onMap(() =>
    mode.value === "compare" && comparedTo.value
      ? counts([], asked(params(during(filters.value, comparedTo.value))))
      : null,
  ),
  WAIT_MS,
);
const timeless = follow<Count[]>(
  afterMap(() => (filters.value.window ? null : counts([], asked(params(filters.value)), [["dated", "false"]]))),
  WAIT_MS,
);

/** Whether the map shows the second window of a comparison. */
const showsB = computed(() => mode.value === "compare" && comparedTo.value !== null && compareShows.value === "b");
/** Those in view; nothing is asked where all are, for the cells' sum says it. */
const framed = follow<Count[]>(
  afterMap(() => {
    if (inView.value.length === 0) return null;
    const window = showsB.value ? comparedTo.value : filters.value.window;
    return counts([], asked(params(during(filters.value, window))), [["located", "true"], ...inView.value]);
  }),
  WAIT_MS,
);

/** A number that belongs to the question on screen; that of the one before is none. */
const number = (known: Known<Count[]>) => (known.problem ? null : (known.rows?.[0]?.count ?? null));

/** How many incidents the map shows. */
function shownOnMap(): number | null {
  if (inView.value.length > 0) return number(framed.value);
  const { rows, problem } = showsB.value ? otherAnswer.value : mapAnswer.value;
  return problem || rows === null ? null : rows.reduce((sum: number, row) => sum + row.count, 0);
}

/** The change from B to A in hundredths, by the day where one is longer. */
function change(a: number, b: number): string {
  const [daysOfA, daysOfB] = lengthsCompared.value ?? [1, 1];
  const part = 100 * (a / daysOfA / (b / daysOfB) - 1);
  return `${part < 0 ? "−" : "+"}${Math.abs(part).toFixed(1)} %${lengthsCompared.value ? " a day" : ""}`;
}

/** Says that the map is blank for want of places, and not of incidents. */
export function Placeless() {
  const all = number(total.value);
  if (!all || all !== number(placeless.value) || picture.value.hexes.length > 0) return null;
  return (
    <p class="welcome" role="status">
      {all === 1 ? "This incident has no place." : `None of these ${whole(all)} incidents has a place.`}
    </p>
  );
}

/** The total over the map. */
export function Summary() {
  const all = number(total.value);
  const without = number(placeless.value);
  const undated = number(timeless.value);
  const before = number(other.value);
  const problem =
    mapAnswer.value.problem ??
    total.value.problem ??
    other.value.problem ??
    otherAnswer.value.problem ??
    framed.value.problem;
  const shown = shownOnMap();
  return (
    <section class="summary" aria-label="Total" aria-live="polite" aria-busy={framed.value.loading}>
      <div>
        {/* The number is named once it is known. */}
        {all === null ? <strong>…</strong> : <strong data-testid="total">{whole(all)}</strong>} {incidents(all ?? 0)}
        {before !== null && all !== null && (
          <span class="versus">
            {" "}
            against <b data-testid="total-b">{whole(before)}</b> in B{before > 0 && ` (${change(all, before)})`}
          </span>
        )}
        <CopyMenu title="Cells on the map" question={mapQuestion.value} />
      </div>
      <small>
        <span data-testid="shown">{shown === null ? "…" : whole(shown)}</span> on the map
        {without !== null && without > 0 && (
          <>
            {" "}
            · <span data-testid="unlocated">{whole(without)}</span> without a place
          </>
        )}
        {undated !== null && undated > 0 && <> · {whole(undated)} without a time</>}
      </small>
      {problem && (
        <p class="failure" role="alert">
          {problem.detail}
        </p>
      )}
      {all === 0 && <p class="empty">{nothing.value}</p>}
    </section>
  );
}
