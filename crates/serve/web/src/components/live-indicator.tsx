/** The indicator of the connection to the server's events. */

import { streamState } from "../api/live-updates";

const STREAM_LABELS = {
  connected: ["live", "Connected: new batches appear as they land"],
  connecting: ["…", "Connecting to the event stream of the server"],
  disconnected: ["not live", "Not connected to the event stream of the server"],
} as const;

/** Shows the state of the connection as a dot and a word. */
export function LiveIndicator() {
  const [text, title] = STREAM_LABELS[streamState.value];
  return (
    <span class={`live ${streamState.value === "connected" ? "on" : ""}`} title={title}>
      {text}
    </span>
  );
}
