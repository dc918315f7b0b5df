/** What is under the pointer. */

import { computed, signal } from "@preact/signals";
import { picture } from "./questions";

/** The cell under the pointer, and where on the map that is, pixels. */
export const hovered = signal<{ cell: string; x: number; y: number } | null>(null);

const texts = computed(() => new Map(picture.value.hexes.map(({ cell, text }) => [cell, text])));

/** The count of the cell under the pointer, beside it. */
export function Hover() {
  const at = hovered.value;
  const text = at && texts.value.get(at.cell);
  if (!text) return null;
  return (
    <div class="hover" style={{ transform: `translate(${at.x + 14}px, ${at.y + 14}px)` }} aria-hidden="true">
      {text.map((line, n) => (n === 0 ? <strong key={line}>{line}</strong> : <span key={line}>{line}</span>))}
    </div>
  );
}
