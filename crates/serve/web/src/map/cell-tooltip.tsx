/** The tooltip of the cell under the pointer. */

import { computed, signal } from "@preact/signals";
import { picture } from "./picture";

/** The cell under the pointer, and the position of the pointer in pixels. */
export const hoveredCell = signal<{ cell: string; x: number; y: number } | null>(null);

const cellTexts = computed(() => new Map(picture.value.cells.map(({ cell, text }) => [cell, text])));

/** The tooltip, next to the pointer. */
export function CellTooltip() {
  const at = hoveredCell.value;
  const text = at && cellTexts.value.get(at.cell);
  if (!text) return null;
  return (
    <div class="cell-tooltip" style={{ transform: `translate(${at.x + 14}px, ${at.y + 14}px)` }} aria-hidden="true">
      {text.map((line, n) => (n === 0 ? <strong key={line}>{line}</strong> : <span key={line}>{line}</span>))}
    </div>
  );
}
