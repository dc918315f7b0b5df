/** Live updates: one visible tab of the browser reads the server's events and passes them to the others. */

import { computed, signal } from "@preact/signals";
import { getBaseUrl, hashToken, Problem } from "./client";
import { type Change, readEvents } from "./events";
import { joinTabGroup, type TabGroup } from "./tab-leader";

/** Increases with every change of the lake; answers are fetched again. */
export const lakeVersion = signal(0);
/** The newest changes first, up to {@link MAX_CHANGES}. */
export const changes = signal<Change[]>([]);
/** The state of the event stream, in this tab or another. */
export const streamState = signal<StreamState>("connecting");
export const connected = computed(() => streamState.value === "connected");
/** Increases when the position in the stream is lost: the server has another lake, or its log was recreated. */
export const streamResets = signal(0);

const MAX_CHANGES = 200;
/** Changes within this time lead to one refresh. */
const REFRESH_DELAY_MS = 1_000;
const RETRY_MS = 5_000;

/** "connecting" is the state before the first answer, and while another tab takes over. */
type StreamState = "connected" | "connecting" | "disconnected";

/** The messages between tabs. */
type Message =
  | { kind: "change"; change: Change }
  | { kind: "state"; state: StreamState }
  | { kind: "reset" }
  /** Sent by a new tab. */
  | { kind: "get state" };

let group: TabGroup<Message> | null = null;
/** Set while this tab reads the events for the others. */
let leadSignal: AbortSignal | null = null;
/** The version of the last change: the stream resumes after it. */
let lastVersion: number | null = null;
/** Whether the stream was connected before: changes since then were missed. */
let wasConnected = false;
let refreshTimer = 0;
/** Whether the lake changed while this tab was hidden. */
let refreshPending = false;

/** Fetches all answers again; in a hidden tab when it is shown. */
function refreshAnswers(): void {
  if (document.hidden) refreshPending = true;
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
  if (now === "connected" && wasConnected && !connected.peek()) refreshAnswers();
  wasConnected ||= now === "connected";
  streamState.value = now;
}

/** Forgets the position in the stream and the changes read from it. */
function resetPosition(): void {
  lastVersion = null;
  changes.value = [];
  streamResets.value += 1;
}

function handleMessage(message: Message): void {
  if (message.kind === "change") recordChange(message.change);
  else if (message.kind === "state") setStreamState(message.state);
  else if (message.kind === "reset") resetPosition();
  else if (leadSignal) group?.broadcast({ kind: "state", state: streamState.peek() });
}

/** Handles a message in this tab and sends it to the others. */
function applyEverywhere(message: Message): void {
  handleMessage(message);
  group?.broadcast(message);
}

/** Reads the events for all tabs until this one steps down. */
async function lead(over: AbortSignal): Promise<void> {
  leadSignal = over;
  applyEverywhere({ kind: "state", state: "connecting" });
  while (!over.aborted) {
    let wait = RETRY_MS;
    try {
      const onOpen = () => applyEverywhere({ kind: "state", state: "connected" });
      await readEvents(lastVersion, over, onOpen, change => applyEverywhere({ kind: "change", change }));
    } catch (error) {
      // The server restarts or requires a token: the answers on screen stay, with their time.
      const positionLost = error instanceof Problem && (error.status === 400 || error.status === 410);
      if (positionLost && lastVersion !== null) {
        applyEverywhere({ kind: "reset" });
        wait = 0;
      }
    }
    if (over.aborted) break;
    applyEverywhere({ kind: "state", state: "disconnected" });
    await delay(wait, over);
  }
  if (leadSignal === over) leadSignal = null;
}

/** Waits, at most until `over` is aborted. */
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
  group?.broadcast({ kind: "get state" });
}

function stepDown(): void {
  if (leadSignal) applyEverywhere({ kind: "state", state: "connecting" });
  leadSignal = null;
  group?.stepDown();
}

/** Leaves the group of tabs. */
export function leaveTabs(): void {
  stepDown();
  group?.leave();
  group = null;
}

/** Joins the tabs with the same token: tokens decide what is visible. */
export function joinTabs(): void {
  leaveTabs();
  group = joinTabGroup<Message>({
    name: `hotspots-lake ${getBaseUrl()} ${hashToken()}`,
    lead,
    onMessage: handleMessage,
  });
  requestLead();
}

/** Starts live updates for the life of the page. */
export function startLiveUpdates(): void {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      stepDown();
      return;
    }
    if (refreshPending) {
      refreshPending = false;
      lakeVersion.value += 1;
    }
    requestLead();
  });
  joinTabs();
}
