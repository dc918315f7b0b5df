/** The mode of the map: counts, the change between two windows, or hot and cold spots. */

import { batch, effect } from "@preact/signals";
import { withoutHistoryStep } from "../state/url";
import { comparisonWindow, filters, type Mode, mode, setFilters } from "../state/view-state";
import { chooseComparison } from "../time/comparison-windows";
import { dataRange, selectedWindow } from "../time/time-range";

const MODES: [Mode, string, string][] = [
  ["count", "Counts", "Incidents per cell"],
  ["compare", "Compare", "The change between two windows"],
  ["hotspots", "Hot spots", "Significant hot and cold spots (Getis-Ord Gi*)"],
];

function selectMode(next: Mode): void {
  batch(() => {
    mode.value = next;
    if (next !== "compare") return;
    const window = selectedWindow.peek();
    if (window && comparisonWindow.peek()) return;
    const found = chooseComparison(window, dataRange.peek());
    if (!found) return;
    setFilters({ window: found[0] });
    comparisonWindow.value ??= found[1];
  });
}

// A comparison needs closed windows: an open end becomes the end of the data.
effect(() => {
  const { start, end } = filters.value.window ?? {};
  if (mode.value === "compare" && (start === null || end === null) && selectedWindow.value) {
    const window = selectedWindow.value;
    withoutHistoryStep(() => setFilters({ window }));
  }
});

/** The buttons that switch the mode. */
export function ModeSwitch() {
  return (
    <fieldset class="modes">
      <legend class="hidden">Mode of the map</legend>
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
