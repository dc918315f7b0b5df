/** What the colours say: counts, a change between two windows, or what is beyond chance. */

import { batch, effect } from "@preact/signals";
import { quietly } from "../state/url";
import { comparedTo, filters, type Mode, mode, narrow } from "../state/view-state";
import { periods } from "../time/comparison-windows";
import { chosen, span } from "../time/time-range";

const MODES: [Mode, string, string][] = [
  ["count", "Counts", "How many, by cell"],
  ["compare", "Compare", "Two periods, and the change between them"],
  ["hotspots", "Hot spots", "Cells that are hot or cold beyond chance (Getis-Ord Gi*)"],
];

function show(wanted: Mode): void {
  batch(() => {
    mode.value = wanted;
    if (wanted !== "compare") return;
    const window = chosen.peek();
    if (window && comparedTo.peek()) return;
    const found = periods(window, span.peek());
    if (!found) return;
    narrow({ window: found[0] });
    comparedTo.value ??= found[1];
  });
}

// Nothing is compared with no end: one that is open in the address is closed where what there is ends.
effect(() => {
  const { start, end } = filters.value.window ?? {};
  if (mode.value === "compare" && (start === null || end === null) && chosen.value) {
    const window = chosen.value;
    quietly(() => narrow({ window }));
  }
});

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
