/** The data of the pipeline page, fetched while it is shown, and again when the lake changes. */

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

/** Rejects that are listed, newest first. */
export const MAX_REJECTS = 20;
/** Batches that are fetched from the past. */
const MAX_PAST_BATCHES = 40;
/** Changes that are kept. */
const MAX_CHANGES = 200;

const whileShown = (question: Question) => computed(() => (page.value === "pipeline" ? question : null));

const NEWEST_REJECTS = `SELECT resource, identity, reason, original, batch, landed_at FROM rejects
WHERE state = 'open' ORDER BY landed_at DESC, resource, identity LIMIT ${MAX_REJECTS}`;

export const limits = watchAnswer<Limit[]>(whileShown({ path: "limits", params: [] }));
export const rejectReasons = watchAnswer<RejectReason[]>(
  whileShown({ path: "queries/reports/rejects_by_reason", params: [] }),
);
export const newestRejects = watchAnswer<Reject[]>(whileShown({ path: "sql", params: [["query", NEWEST_REJECTS]] }));

/** The resources; landed ones first. */
export const sortedResources = computed((): Resource[] =>
  [...(resources.value.rows ?? [])].sort((a, b) => Number(b.landed) - Number(a.landed)),
);

/** Whether the server is ready, with its text; null before its first answer. */
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
/** Whether they are still loading, and the error if they could not be fetched. */
export const pastLoading = signal(false);
export const pastProblem = signal<string | null>(null);
let pastRequested = false;

/** Compactions. The server has no event for them; a watermark that grows shows one. */
const compactions = signal<readonly Change[]>([]);
const watermarks = new Map<string, number>();

// Another lake has other batches.
effect(() => {
  if (streamResets.value === 0) return;
  pastChanges.value = [];
  pastProblem.value = null;
  compactions.value = [];
  watermarks.clear();
  pastRequested = false;
});

/** Fetches the batches after a version, and shows each as it arrives: the server reads each from storage. */
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
  // A batch is one version of `fast_counts`.
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

/** The landed batches and compactions, newest first. */
export const changeFeed = computed((): Change[] =>
  mergeChanges([...changes.value, ...compactions.value], pastChanges.value),
);

/** Merges the changes from events and from the past: each once, newest first. */
export function mergeChanges(heard: readonly Change[], read: readonly Change[]): Change[] {
  const merged = new Map<string, Change>();
  for (const change of [...heard, ...read]) {
    const key = `${change.kind} ${change.resource} ${change.batch}`;
    if (!merged.has(key)) merged.set(key, change);
  }
  const at = ({ committed_at }: Change) => Date.parse(committed_at ?? "") || 0;
  return [...merged.values()].sort((a, b) => at(b) - at(a)).slice(0, MAX_CHANGES);
}
