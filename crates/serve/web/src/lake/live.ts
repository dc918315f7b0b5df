/** What lands while one looks: the server's events, one a batch. Compactions change no answer, and are not told of. */

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

/** The last change that was heard of. */
let last: number | null = null;
/** Whether it was connected before: what landed in between was not heard of. */
let before = false;

/** Reads events (HTML Living Standard, 9.2.6) until the connection ends. With fetch, for a token goes along. */
async function listen(): Promise<void> {
  const from = last === null ? "" : `&since=${last}`;
  const response = await send(`changes?counts=false&format=sse${from}`, { headers: { Accept: "text/event-stream" } });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  connected.value = true;
  if (before) lakeVersion.value += 1;
  before = true;
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
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
  for (;;) {
    try {
      await listen();
    } catch {
      // The server is restarting, or wants a token: what is on screen stays, and says since when.
    }
    connected.value = false;
    await new Promise(done => setTimeout(done, RETRY_MS));
  }
}
