/** Whether what lands appears by itself. */

import { hearing } from "../api/live-updates";

const SAID = {
  yes: ["live", "Live: new batches appear as they land"],
  soon: ["…", "Connecting to the server's events"],
  no: ["not live", "Not live: the server's events are not heard"],
} as const;

/** A word and a light. */
export function Live() {
  const [word, title] = SAID[hearing.value];
  return (
    <span class={`live ${hearing.value === "yes" ? "on" : ""}`} title={title}>
      {word}
    </span>
  );
}
