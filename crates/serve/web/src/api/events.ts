/** The server's stream of events: one a batch that landed. Compactions change no answer, and have none. */

import { send } from "./client";

/** One change of the lake, as `/changes` tells of it. */
export interface Change {
  kind: string;
  version: number;
  resource?: string;
  batch?: number;
  committed_at?: string;
  changes?: number;
  net?: number;
}

/**
 * Reads events (HTML Living Standard, 9.2.6) until the connection ends, those after the version `since`, or from now on.
 * With fetch and not an EventSource, for a token goes along.
 */
export async function readEvents(
  since: number | null,
  signal: AbortSignal,
  opened: () => void,
  heard: (change: Change) => void,
): Promise<void> {
  const from = since === null ? "" : `&since=${since}`;
  const init = { headers: { Accept: "text/event-stream" }, signal };
  const response = await send(`changes?counts=false&format=sse${from}`, init);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  opened();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").find(line => line.startsWith("data:"));
      if (data) heard(JSON.parse(data.slice(5)) as Change);
    }
  }
}
