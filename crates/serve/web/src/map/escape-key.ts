/** The key that leads out: of drawing, else of the chosen cell. */

import { selectedCell } from "../state/view-state";
import { drawTool } from "./draw";

/** Listens for as long as the map is on screen; before what has the focus, for that may be gone when it is asked. */
export function listenForEscape(): () => void {
  const leave = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    const focused = event.target instanceof Element ? event.target : null;
    if (drawTool.peek() !== null) drawTool.value = null;
    // An open menu and a field have their own use for the key.
    else if (!focused?.closest("details[open], input, select")) selectedCell.value = null;
  };
  window.addEventListener("keydown", leave, true);
  return () => window.removeEventListener("keydown", leave, true);
}
