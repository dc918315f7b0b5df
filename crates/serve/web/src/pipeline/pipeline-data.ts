/** What the pipeline page asks, as long as it is open, and again whenever the lake changes. */

import { computed, effect, signal } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { type Question, send } from "../api/client";
import type { Change } from "../api/events";
import { changes, lakeVersion, streamResets } from "../api/live-updates";
import { resources } from "../api/resources";
import type { Limit, Resource } from "../api/types";
import { page } from "../state/view-state";

export interface RejectReason {
  resource: string;
  reason: string;
  count: number;
}

export interface Reject {
  resource: string;
  identity: string | null;
  reason: string;
  original: string | null;
  batch: number;
  landed_at: string;
}

/** How many rejects are shown, newest first. */
export const MAX_REJECTS = 20;
/** How many batches of the past are read. */
const MAX_PAST_BATCHES = 40;
/** How many changes are kept. */
const MAX_CHANGES = 200;

const whileShown = (question: Question) => computed(() => (page.value === "pipeline" ? question : null));

const NEWEST_REJECTS = `SELECT resource, identity, reason, original, batch, landed_at FROM rejects
WHERE state = 'open' ORDER BY landed_at DESC, resource, identity LIMIT ${MAX_REJECTS}`;

export const limits = watchAnswer<Limit[]>(whileShown({ path: "limits", params: [] }));
export const rejectReasons = watchAnswer<RejectReason[]>(
  whileShown({ path: "queries/reports/rejects_by_reason", params: [] }),
);
export const newestRejects = watchAnswer<Reject[]>(whileShown({ path: "sql", params: [["query", NEWEST_REJECTS]] }));

/** The resources; those that have landed first. */
export const sortedResources = computed((): Resource[] =>
  [...(resources.value.rows ?? [])].sort((a, b) => Number(b.landed) - Number(a.landed)),
);

/** Whether the server takes requests, in its own words; `null` until it has said. */
export const readiness = signal<{ ready: boolean; text: string } | null>(null);

effect(() => {
  if (page.value !== "pipeline") return;
  lakeVersion.value;
  send("readyz", { headers: { Accept: "*/*" } }).then(
    async response => {
      readiness.value = { ready: true, text: (await response.text()).trim() || "ready" };
    },
    error => {
      readiness.value = { ready: false, text: error.detail || error.title || String(error) };
    },
  );
});

/** The newest batches that landed before the page was opened. */
const pastChanges = signal<readonly Change[]>([]);
/** Whether they are still being read, and why they could not be. */
export const pastLoading = signal(false);
export const pastProblem = signal<string | null>(null);
let pastRequested = false;

/** Compactions, which the server's events do not tell of: they show as watermarks that grow. */
const compactions = signal<readonly Change[]>([]);
const watermarks = new Map<string, number>();

// Another lake has another past.
effect(() => {
  if (streamResets.value === 0) return;
  pastChanges.value = [];
  pastProblem.value = null;
  compactions.value = [];
  watermarks.clear();
  pastRequested = false;
});

/** Reads batches after a position, and shows each as it comes: the server opens every one of them for its sum. */
async function fetchPast(since: number): Promise<void> {
  pastLoading.value = true;
  try {
    const response = await send(`changes?since=${since}&counts=false`, { headers: { Accept: "application/x-ndjson" } });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done) break;
      const lines = (text + value).split("\n");
      text = lines.pop() ?? "";
      pastChanges.value = [
        ...pastChanges.peek(),
        ...lines.filter(line => line !== "").map(line => JSON.parse(line) as Change),
      ];
    }
  } catch (error) {
    pastProblem.value = error instanceof Error ? error.message : String(error);
  }
  pastLoading.value = false;
}

effect(() => {
  // A batch is one version of this table, so its versions are the feed's positions.
  const newest = /fast_counts=(\d+)/.exec(resources.value.meta?.version ?? "")?.[1];
  if (page.value !== "pipeline" || newest === undefined || pastRequested) return;
  pastRequested = true;
  fetchPast(Math.max(0, Number(newest) - MAX_PAST_BATCHES));
});

effect(() => {
  for (const { name, watermark } of resources.value.rows ?? []) {
    const before = watermarks.get(name);
    watermarks.set(name, watermark);
    if (before === undefined || watermark <= before) continue;
    const seen: Change = {
      kind: "compaction",
      version: Number.NaN,
      resource: name,
      batch: watermark,
      committed_at: new Date().toISOString(),
    };
    compactions.value = [seen, ...compactions.peek()].slice(0, MAX_CHANGES);
  }
});

/** Everything that landed or was compacted, newest first. */
export const changeFeed = computed((): Change[] =>
  mergeChanges([...changes.value, ...compactions.value], pastChanges.value),
);

/** Puts what was heard and what was read together: each change once, newest first. */
export function mergeChanges(heard: readonly Change[], read: readonly Change[]): Change[] {
  const known = new Map<string, Change>();
  for (const change of [...heard, ...read]) {
    const key = `${change.kind} ${change.resource} ${change.batch}`;
    if (!known.has(key)) known.set(key, change);
  }
  const at = ({ committed_at }: Change) => Date.parse(committed_at ?? "") || 0;
  return [...known.values()].sort((a, b) => at(b) - at(a)).slice(0, MAX_CHANGES);
}
