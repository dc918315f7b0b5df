/** What lands while one looks. One tab of a browser hears the server's events and tells the others; none in the background does. */

import { computed, signal } from "@preact/signals";
import { base, Problem, tokenTag } from "./client";
import { type Change, readEvents } from "./events";
import { join, type Member } from "./tab-leader";

/** Grows with every change that was heard of: whoever shows the lake asks again. */
export const lakeVersion = signal(0);
/** The newest changes first, up to {@link KEPT}. */
export const changes = signal<Change[]>([]);
/** Whether the server's events are heard, by this tab or by another one. */
export const hearing = signal<Hearing>("soon");
export const connected = computed(() => hearing.value === "yes");
/** Grows when the place in the stream is gone: there is another lake at the address, or its log was begun anew. */
export const replaced = signal(0);

const KEPT = 200;
/** A burst of batches is answered by one new look. */
const GATHER_MS = 1_000;
const RETRY_MS = 5_000;

/** "soon" is before the first answer, and while another tab takes over. */
type Hearing = "yes" | "soon" | "no";

/** What the tab that hears the events tells the others. */
type Message =
  | { kind: "change"; change: Change }
  | { kind: "hearing"; hearing: Hearing }
  | { kind: "replaced" }
  /** Asked by a tab that has just been opened. */
  | { kind: "who hears" };

let group: Member<Message> | null = null;
/** Set while this tab hears the events for the others. */
let leading: AbortSignal | null = null;
/** The version of the last change that was heard of: where the stream is taken up again. */
let last: number | null = null;
/** Whether it was connected before: what landed in between was not heard of. */
let before = false;
let gathering = 0;
/** Whether the lake has changed while this tab was in the background. */
let stale = false;

/** Asks everything again; in the background only when the tab is looked at. */
function lookAgain(): void {
  if (document.hidden) stale = true;
  else lakeVersion.value += 1;
}

function heard(change: Change): void {
  last = change.version ?? last;
  changes.value = [change, ...changes.peek()].slice(0, KEPT);
  if (gathering !== 0) return;
  gathering = window.setTimeout(() => {
    gathering = 0;
    lookAgain();
  }, GATHER_MS);
}

function setHearing(now: Hearing): void {
  if (now === "yes" && before && !connected.peek()) lookAgain();
  before ||= now === "yes";
  hearing.value = now;
}

/** Forgets the place in the stream, and what was heard from it. */
function forgetPlace(): void {
  last = null;
  changes.value = [];
  replaced.value += 1;
}

function take(message: Message): void {
  if (message.kind === "change") heard(message.change);
  else if (message.kind === "hearing") setHearing(message.hearing);
  else if (message.kind === "replaced") forgetPlace();
  else if (leading) group?.tell({ kind: "hearing", hearing: hearing.peek() });
}

/** Does in this tab what the others do as well. */
function everywhere(message: Message): void {
  take(message);
  group?.tell(message);
}

/** Hears the events for all tabs, until this one steps down. */
async function lead(over: AbortSignal): Promise<void> {
  leading = over;
  everywhere({ kind: "hearing", hearing: "soon" });
  while (!over.aborted) {
    let wait = RETRY_MS;
    try {
      const opened = () => everywhere({ kind: "hearing", hearing: "yes" });
      await readEvents(last, over, opened, change => everywhere({ kind: "change", change }));
    } catch (error) {
      // The server is restarting, or wants a token: what is on screen stays, and says since when.
      const gone = error instanceof Problem && (error.status === 400 || error.status === 410);
      if (gone && last !== null) {
        everywhere({ kind: "replaced" });
        wait = 0;
      }
    }
    if (over.aborted) break;
    everywhere({ kind: "hearing", hearing: "no" });
    await pause(wait, over);
  }
  if (leading === over) leading = null;
}

/** Waits, until something is over at most. */
function pause(ms: number, over: AbortSignal): Promise<void> {
  return new Promise(done => {
    const timer = setTimeout(done, ms);
    over.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}

function stand(): void {
  if (document.hidden) return;
  group?.stand();
  group?.tell({ kind: "who hears" });
}

function stepDown(): void {
  if (leading) everywhere({ kind: "hearing", hearing: "soon" });
  leading = null;
  group?.stepDown();
}

/** Leaves the tabs that it listened with. */
export function leaveGroup(): void {
  stepDown();
  group?.leave();
  group = null;
}

/** Joins the tabs that have the same token: others may be told other things. */
export function joinGroup(): void {
  leaveGroup();
  group = join<Message>({ name: `hotspots-lake ${base()} ${tokenTag()}`, lead, heard: take });
  stand();
}

/** Listens for as long as the page is open. */
export function listen(): void {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      stepDown();
      return;
    }
    if (stale) {
      stale = false;
      lakeVersion.value += 1;
    }
    stand();
  });
  joinGroup();
}
