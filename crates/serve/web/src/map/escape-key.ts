/** The Escape key: it ends drawing, else it closes the selected cell. */

import { selectedCell } from "../state/view-state";
import { drawTool } from "./draw";

/** Listens while the map is shown, in the capture phase: the focused element may be gone afterwards. */
export function listenForEscape(): () => void {
  const leave = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    const focused = event.target instanceof Element ? event.target : null;
    if (drawTool.peek() !== null) drawTool.value = null;
    // Open menus and fields handle the key themselves.
    else if (!focused?.closest("details[open], input, select")) selectedCell.value = null;
  };
  window.addEventListener("keydown", leave, true);
  return () => window.removeEventListener("keydown", leave, true);
}
