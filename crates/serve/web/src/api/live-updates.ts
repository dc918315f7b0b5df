/** What lands while one looks. One tab of a browser hears the server's events and tells the others; none in the background does. */

import { computed, signal } from "@preact/signals";
import { getBaseUrl, hashToken, Problem } from "./client";
import { type Change, readEvents } from "./events";
import { joinTabGroup, type TabGroup } from "./tab-leader";

/** Grows with every change that was heard of: whoever shows the lake asks again. */
export const lakeVersion = signal(0);
/** The newest changes first, up to {@link MAX_CHANGES}. */
export const changes = signal<Change[]>([]);
/** Whether the server's events are heard, by this tab or by another one. */
export const streamState = signal<StreamState>("soon");
export const connected = computed(() => streamState.value === "yes");
/** Grows when the place in the stream is gone: there is another lake at the address, or its log was begun anew. */
export const streamResets = signal(0);

const MAX_CHANGES = 200;
/** A burst of batches is answered by one new look. */
const REFRESH_DELAY_MS = 1_000;
const RETRY_MS = 5_000;

/** "soon" is before the first answer, and while another tab takes over. */
type StreamState = "yes" | "soon" | "no";

/** What the tab that hears the events tells the others. */
type Message =
  | { kind: "change"; change: Change }
  | { kind: "hearing"; hearing: StreamState }
  | { kind: "replaced" }
  /** Asked by a tab that has just been opened. */
  | { kind: "who hears" };

let group: TabGroup<Message> | null = null;
/** Set while this tab hears the events for the others. */
let leading: AbortSignal | null = null;
/** The version of the last change that was heard of: where the stream is taken up again. */
let lastVersion: number | null = null;
/** Whether it was connected before: what landed in between was not heard of. */
let wasConnected = false;
let refreshTimer = 0;
/** Whether the lake has changed while this tab was in the background. */
let stale = false;

/** Asks everything again; in the background only when the tab is looked at. */
function refreshAnswers(): void {
  if (document.hidden) stale = true;
  else lakeVersion.value += 1;
}

function recordChange(change: Change): void {
  lastVersion = change.version ?? lastVersion;
  changes.value = [change, ...changes.peek()].slice(0, MAX_CHANGES);
  if (refreshTimer !== 0) return;
  refreshTimer = window.setTimeout(() => {
    refreshTimer = 0;
    refreshAnswers();
  }, REFRESH_DELAY_MS);
}

function setStreamState(now: StreamState): void {
  if (now === "yes" && wasConnected && !connected.peek()) refreshAnswers();
  wasConnected ||= now === "yes";
  streamState.value = now;
}

/** Forgets the place in the stream, and what was heard from it. */
function resetPosition(): void {
  lastVersion = null;
  changes.value = [];
  streamResets.value += 1;
}

function handleMessage(message: Message): void {
  if (message.kind === "change") recordChange(message.change);
  else if (message.kind === "hearing") setStreamState(message.hearing);
  else if (message.kind === "replaced") resetPosition();
  else if (leading) group?.broadcast({ kind: "hearing", hearing: streamState.peek() });
}

/** Does in this tab what the others do as well. */
function applyEverywhere(message: Message): void {
  handleMessage(message);
  group?.broadcast(message);
}

/** Hears the events for all tabs, until this one steps down. */
async function lead(over: AbortSignal): Promise<void> {
  leading = over;
  applyEverywhere({ kind: "hearing", hearing: "soon" });
  while (!over.aborted) {
    let wait = RETRY_MS;
    try {
      const opened = () => applyEverywhere({ kind: "hearing", hearing: "yes" });
      await readEvents(lastVersion, over, opened, change => applyEverywhere({ kind: "change", change }));
    } catch (error) {
      // The server is restarting, or wants a token: what is on screen stays, and says since when.
      const gone = error instanceof Problem && (error.status === 400 || error.status === 410);
      if (gone && lastVersion !== null) {
        applyEverywhere({ kind: "replaced" });
        wait = 0;
      }
    }
    if (over.aborted) break;
    applyEverywhere({ kind: "hearing", hearing: "no" });
    await delay(wait, over);
  }
  if (leading === over) leading = null;
}

/** Waits, until something is over at most. */
function delay(ms: number, over: AbortSignal): Promise<void> {
  return new Promise(done => {
    const timer = setTimeout(done, ms);
    over.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}

function requestLead(): void {
  if (document.hidden) return;
  group?.requestLead();
  group?.broadcast({ kind: "who hears" });
}

function stepDown(): void {
  if (leading) applyEverywhere({ kind: "hearing", hearing: "soon" });
  leading = null;
  group?.stepDown();
}

/** Leaves the tabs that it listened with. */
export function leaveTabs(): void {
  stepDown();
  group?.leave();
  group = null;
}

/** Joins the tabs that have the same token: others may be told other things. */
export function joinTabs(): void {
  leaveTabs();
  group = joinTabGroup<Message>({
    name: `hotspots-lake ${getBaseUrl()} ${hashToken()}`,
    lead,
    onMessage: handleMessage,
  });
  requestLead();
}

/** Listens for as long as the page is open. */
export function startLiveUpdates(): void {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      stepDown();
      return;
    }
    if (stale) {
      stale = false;
      lakeVersion.value += 1;
    }
    requestLead();
  });
  joinTabs();
}
