/** Whether what lands appears by itself. */

import { streamState } from "../api/live-updates";

const STREAM_LABELS = {
  yes: ["live", "Live: new batches appear as they land"],
  soon: ["…", "Connecting to the server's events"],
  no: ["not live", "Not live: the server's events are not heard"],
} as const;

/** A word and a light. */
export function LiveIndicator() {
  const [word, title] = STREAM_LABELS[streamState.value];
  return (
    <span class={`live ${streamState.value === "yes" ? "on" : ""}`} title={title}>
      {word}
    </span>
  );
}
