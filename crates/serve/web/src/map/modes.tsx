/** What the colours say: counts, a change between two windows, or what is beyond chance. */

import { batch } from "@preact/signals";
import { millis, wallClock } from "../parts/numbers";
import { comparedTo, filters, type Mode, mode, narrow, type Window } from "../state/view";
import { span } from "../time/span";
import { floor } from "../time/steps";

const MODES: [Mode, string, string][] = [
  ["count", "Counts", "How many, by cell"],
  ["compare", "Compare", "Two periods, and the change between them"],
  ["hotspots", "Hot spots", "Cells that are hot or cold beyond chance (Getis-Ord Gi*)"],
];

/** The window of the same length just before. */
export function before(window: Window): Window {
  const [start, end] = [millis(window.start), millis(window.end)];
  return { start: wallClock(2 * start - end), end: window.start };
}

function show(wanted: Mode): void {
  batch(() => {
    mode.value = wanted;
    if (wanted !== "compare") return;
    const all = span.peek();
    let window = filters.peek().window;
    if (!window && all) {
      // The second half of what there is, against the first.
      window = { start: wallClock(floor((millis(all.start) + millis(all.end)) / 2, "month")), end: all.end };
      narrow({ window });
    }
    if (window && !comparedTo.peek()) comparedTo.value = before(window);
  });
}

/** The switch between them. */
export function Modes() {
  return (
    <fieldset class="modes">
      <legend class="hidden">What the map shows</legend>
      {MODES.map(([name, label, title]) => (
        <button key={name} type="button" title={title} aria-pressed={mode.value === name} onClick={() => show(name)}>
          {label}
        </button>
      ))}
    </fieldset>
  );
}
