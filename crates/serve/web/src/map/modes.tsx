/** What the colours say: counts, a change between two windows, or what is beyond chance. */

import { batch } from "@preact/signals";
import { comparedTo, filters, type Mode, mode, narrow } from "../state/view";
import { periods } from "../time/periods";
import { span } from "../time/span";

const MODES: [Mode, string, string][] = [
  ["count", "Counts", "How many, by cell"],
  ["compare", "Compare", "Two periods, and the change between them"],
  ["hotspots", "Hot spots", "Cells that are hot or cold beyond chance (Getis-Ord Gi*)"],
];

function show(wanted: Mode): void {
  batch(() => {
    mode.value = wanted;
    if (wanted !== "compare") return;
    const window = filters.peek().window;
    if (window && comparedTo.peek()) return;
    const [a, b] = periods(window, span.peek()) ?? [null, null];
    narrow({ window: a });
    comparedTo.value ??= b;
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
