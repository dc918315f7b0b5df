/** What the pipeline page asks, as long as it is open, and again whenever the lake changes. */

import { computed, effect, signal } from "@preact/signals";
import { follow } from "../api/answer";
import { type Question, send } from "../api/client";
import type { Change } from "../api/events";
import { changes, lakeVersion, replaced } from "../api/live-updates";
import { resources } from "../api/resources";
import type { Resource } from "../api/types";
import { page } from "../state/view-state";

/** A limit of the server. */
export interface Limit {
  name: string;
  value: number | null;
  unit: string;
  about: string;
}

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
export const NEWEST = 20;
/** How many batches of the past are read. */
const PAST = 40;
/** How many changes are kept. */
const KEPT = 200;

const open = (question: Question) => computed(() => (page.value === "pipeline" ? question : null));

const NEWEST_REJECTS = `SELECT resource, identity, reason, original, batch, landed_at FROM rejects
WHERE state = 'open' ORDER BY landed_at DESC, resource, identity LIMIT ${NEWEST}`;

export const limits = follow<Limit[]>(open({ path: "limits", params: [] }));
export const reasons = follow<RejectReason[]>(open({ path: "queries/reports/rejects_by_reason", params: [] }));
export const rejects = follow<Reject[]>(open({ path: "sql", params: [["query", NEWEST_REJECTS]] }));

/** The resources; those that have landed first. */
export const pipeline = computed((): Resource[] =>
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
const past = signal<readonly Change[]>([]);
/** Whether they are still being read, and why they could not be. */
export const pastReading = signal(false);
export const pastProblem = signal<string | null>(null);
let pastAsked = false;

/** Compactions, which the server's events do not tell of: they show as watermarks that grow. */
const compactions = signal<readonly Change[]>([]);
const watermarks = new Map<string, number>();

// Another lake has another past.
effect(() => {
  if (replaced.value === 0) return;
  past.value = [];
  pastProblem.value = null;
  compactions.value = [];
  watermarks.clear();
  pastAsked = false;
});

/** Reads batches after a position, and shows each as it comes: the server opens every one of them for its sum. */
async function readPast(since: number): Promise<void> {
  pastReading.value = true;
  try {
    const response = await send(`changes?since=${since}&counts=false`, { headers: { Accept: "application/x-ndjson" } });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done) break;
      const lines = (text + value).split("\n");
      text = lines.pop() ?? "";
      past.value = [...past.peek(), ...lines.filter(line => line !== "").map(line => JSON.parse(line) as Change)];
    }
  } catch (error) {
    pastProblem.value = error instanceof Error ? error.message : String(error);
  }
  pastReading.value = false;
}

effect(() => {
  // A batch is one version of this table, so its versions are the feed's positions.
  const newest = /fast_counts=(\d+)/.exec(resources.value.meta?.version ?? "")?.[1];
  if (page.value !== "pipeline" || newest === undefined || pastAsked) return;
  pastAsked = true;
  readPast(Math.max(0, Number(newest) - PAST));
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
    compactions.value = [seen, ...compactions.peek()].slice(0, KEPT);
  }
});

/** Everything that landed or was compacted, newest first. */
export const feed = computed((): Change[] => merge([...changes.value, ...compactions.value], past.value));

/** Puts what was heard and what was read together: each change once, newest first. */
export function merge(heard: readonly Change[], read: readonly Change[]): Change[] {
  const known = new Map<string, Change>();
  for (const change of [...heard, ...read]) {
    const key = `${change.kind} ${change.resource} ${change.batch}`;
    if (!known.has(key)) known.set(key, change);
  }
  const at = ({ committed_at }: Change) => Date.parse(committed_at ?? "") || 0;
  return [...known.values()].sort((a, b) => at(b) - at(a)).slice(0, KEPT);
}
