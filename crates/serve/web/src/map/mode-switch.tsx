/** What the colours say: counts, a change between two windows, or what is beyond chance. */

import { batch, effect } from "@preact/signals";
import { withoutHistoryStep } from "../state/url";
import { comparisonWindow, filters, type Mode, mode, setFilters } from "../state/view-state";
import { chooseComparison } from "../time/comparison-windows";
import { dataRange, selectedWindow } from "../time/time-range";

const MODES: [Mode, string, string][] = [
  ["count", "Counts", "How many, by cell"],
  ["compare", "Compare", "Two periods, and the change between them"],
  ["hotspots", "Hot spots", "Cells that are hot or cold beyond chance (Getis-Ord Gi*)"],
];

function selectMode(wanted: Mode): void {
  batch(() => {
    mode.value = wanted;
    if (wanted !== "compare") return;
    const window = selectedWindow.peek();
    if (window && comparisonWindow.peek()) return;
    const found = chooseComparison(window, dataRange.peek());
    if (!found) return;
    setFilters({ window: found[0] });
    comparisonWindow.value ??= found[1];
  });
}

// Nothing is compared with no end: one that is open in the address is closed where what there is ends.
effect(() => {
  const { start, end } = filters.value.window ?? {};
  if (mode.value === "compare" && (start === null || end === null) && selectedWindow.value) {
    const window = selectedWindow.value;
    withoutHistoryStep(() => setFilters({ window }));
  }
});

/** The switch between them. */
export function ModeSwitch() {
  return (
    <fieldset class="modes">
      <legend class="hidden">What the map shows</legend>
      {MODES.map(([name, label, title]) => (
        <button
          key={name}
          type="button"
          title={title}
          aria-pressed={mode.value === name}
          onClick={() => selectMode(name)}
        >
          {label}
        </button>
      ))}
    </fieldset>
  );
}
