/** The server's stream of events, one per landed batch. Compactions change no answer and have no event. */

import { formatAddress, type Question, send } from "./client";

/** One change of the lake, as in `/changes`. */
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
 * Reads events (HTML Living Standard, 9.2.6) until the connection ends: those after the version `since`, or new ones.
 * Uses fetch, because an EventSource cannot send a token.
 */
export async function readEvents(
  since: number | null,
  signal: AbortSignal,
  onOpen: () => void,
  onChange: (change: Change) => void,
): Promise<void> {
  const from = since === null ? [] : [["since", String(since)] as const];
  const question: Question<"changes"> = { path: "changes", params: [["counts", "false"], ["format", "sse"], ...from] };
  const init = { headers: { Accept: "text/event-stream" }, signal };
  const response = await send(formatAddress(question), init);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  onOpen();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").find(line => line.startsWith("data:"));
      if (data) onChange(JSON.parse(data.slice(5)) as Change);
    }
  }
}
