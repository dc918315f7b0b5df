/** How many, at a glance, and how many of them the map cannot show. */

import { follow, type Known } from "../lake/answer";
import type { Count } from "../lake/types";
import { CopyMenu } from "../parts/copy";
import { incidents, millis, whole } from "../parts/numbers";
import { nothing } from "../parts/panel";
import { counts, during, params } from "../state/questions";
import { comparedTo, filters, mode } from "../state/view";
import { afterMap, asked, mapAnswer, mapQuestion, onMap, otherAnswer, picture, WAIT_MS } from "./what";

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

/** A number that belongs to the question on screen; that of the one before is none. */
const number = (known: Known<Count[]>) => (known.problem ? null : (known.rows?.[0]?.count ?? null));

/** Whether the two windows are as long: else a part of a hundred says nothing. */
function sameLength(): boolean {
  const lengths = [filters.value.window, comparedTo.value].map(w => (w ? millis(w.end) - millis(w.start) : 0));
  return lengths[0] === lengths[1];
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
  const problem = mapAnswer.value.problem ?? total.value.problem ?? other.value.problem ?? otherAnswer.value.problem;
  const shown = (mapAnswer.value.rows ?? []).reduce((sum: number, row) => sum + row.count, 0);
  return (
    <section class="summary" aria-label="Total" aria-live="polite">
      <div>
        <strong data-testid="total">{all === null ? "…" : whole(all)}</strong> {incidents(all ?? 0)}
        {before !== null && all !== null && (
          <span class="versus">
            {" "}
            against <b data-testid="total-b">{whole(before)}</b> in B
            {before > 0 &&
              sameLength() &&
              ` (${all >= before ? "+" : "−"}${Math.abs((100 * (all - before)) / before).toFixed(1)} %)`}
          </span>
        )}
        <CopyMenu title="Cells on the map" question={mapQuestion.value} />
      </div>
      <small>
        <span data-testid="shown">{whole(shown)}</span> on the map
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
