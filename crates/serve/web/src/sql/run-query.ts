/** Runs the query of the SQL page: one at a time, cancellable. */

import { batch, signal } from "@preact/signals";
import { fetchSql, Problem } from "../api/client";
import { type Result, readResult } from "../results/result";

/** The outcome of a query: a result or a problem. */
export interface Outcome {
  sql: string;
  limit: number;
  ms: number;
  result: Result | null;
  problem: Problem | null;
}

export const ROW_LIMITS = [100, 1_000, 10_000, 100_000] as const;

/** The limit of rows of the next run. */
export const rowLimit = signal(10_000);
/** When the running query was sent, by `performance.now()`; null if none runs. */
export const runningSince = signal<number | null>(null);
export const outcome = signal<Outcome | null>(null);
/** Whether the last query was cancelled. */
export const wasCancelled = signal(false);

let current: AbortController | null = null;

/** Cancels the running query; the server stops it too. */
export function cancelQuery(): void {
  if (current === null) return;
  current.abort();
  current = null;
  batch(() => {
    runningSince.value = null;
    wasCancelled.value = true;
  });
}

/** Runs a query; a query that still runs is aborted. */
export async function runQuery(sql: string): Promise<void> {
  if (sql.trim() === "") return;
  current?.abort();
  const controller = new AbortController();
  current = controller;
  const since = performance.now();
  batch(() => {
    runningSince.value = since;
    wasCancelled.value = false;
  });
  const request = { sql, limit: rowLimit.peek() };
  const done = (ended: Pick<Outcome, "result" | "problem">) => {
    if (current !== controller) return;
    current = null;
    batch(() => {
      outcome.value = { ...request, ...ended, ms: performance.now() - since };
      runningSince.value = null;
    });
  };
  try {
    // NDJSON, which is parsed without loss: 64-bit integers do not fit into a number.
    const { response } = await fetchSql(sql, { limit: request.limit, format: "ndjson", signal: controller.signal });
    done({ result: await readResult(response), problem: null });
  } catch (error) {
    done({ result: null, problem: error instanceof Problem ? error : new Problem("error", String(error), 0) });
  }
}
