/** What lands while one looks: the server's events, one a batch or compaction. */

import { signal } from "@preact/signals";
import { send } from "./ask";

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

/** Grows with every change that was heard of: whoever shows the lake asks again. */
export const lakeVersion = signal(0);
/** The newest changes first, up to {@link KEPT}. */
export const changes = signal<Change[]>([]);
/** Whether the server's events are heard. */
export const connected = signal(false);

const KEPT = 200;
/** A burst of batches is answered by one new look. */
const GATHER_MS = 1_000;
const RETRY_MS = 5_000;

let gathering = 0;

function heard(change: Change): void {
  changes.value = [change, ...changes.peek()].slice(0, KEPT);
  if (gathering !== 0) return;
  gathering = window.setTimeout(() => {
    gathering = 0;
    lakeVersion.value += 1;
  }, GATHER_MS);
}

/** Reads events (HTML Living Standard, 9.2.6) until the connection ends. With fetch, for a token goes along. */
async function listen(since: number | null): Promise<number | null> {
  const from = since === null ? "" : `&since=${since}`;
  const response = await send(`changes?counts=false&format=sse${from}`, { headers: { Accept: "text/event-stream" } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return since;
  connected.value = true;
  let last = since;
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return last;
    text += value;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").find(line => line.startsWith("data:"));
      if (!data) continue;
      const change = JSON.parse(data.slice(5)) as Change;
      last = change.version ?? last;
      heard(change);
    }
  }
}

/** Listens for as long as the page is open. */
export async function listenForEver(): Promise<never> {
  let since: number | null = null;
  for (;;) {
    try {
      since = await listen(since);
    } catch {
      // The server is restarting, or wants a token: what is on screen stays, and says since when.
    }
    connected.value = false;
    await new Promise(done => setTimeout(done, RETRY_MS));
    if (since !== null) lakeVersion.value += 1;
  }
}
