/** Running the query of the page: one at a time, and it can be stopped. */

import { batch, signal } from "@preact/signals";
import { fetchSql, Problem } from "../api/client";
import { type Result, readResult } from "../results/result";

/** What came of a query. */
export interface Outcome {
  sql: string;
  limit: number;
  ms: number;
  result: Result | null;
  problem: Problem | null;
}

export const ROW_LIMITS = [100, 1_000, 10_000, 100_000] as const;

/** The rows that are asked for at most. */
export const rowLimit = signal(10_000);
/** When the query that runs was sent, by `performance.now()`. */
export const runningSince = signal<number | null>(null);
export const outcome = signal<Outcome | null>(null);
/** Why there is no new outcome: somebody stopped it. */
export const wasCancelled = signal(false);

let current: AbortController | null = null;

/** Stops the query that runs; the server stops it too. */
export function cancelQuery(): void {
  if (current === null) return;
  current.abort();
  current = null;
  batch(() => {
    runningSince.value = null;
    wasCancelled.value = true;
  });
}

/** Runs a query, instead of the one that runs. */
export async function runQuery(sql: string): Promise<void> {
  if (sql.trim() === "") return;
  current?.abort();
  const mine = new AbortController();
  current = mine;
  const since = performance.now();
  batch(() => {
    runningSince.value = since;
    wasCancelled.value = false;
  });
  const asked = { sql, limit: rowLimit.peek() };
  const done = (came: Pick<Outcome, "result" | "problem">) => {
    if (current !== mine) return;
    current = null;
    batch(() => {
      outcome.value = { ...asked, ...came, ms: performance.now() - since };
      runningSince.value = null;
    });
  };
  try {
    // Lines, and not the JSON that askSql reads: integers of 64 bits are to stay what they are.
    const { response } = await fetchSql(sql, { limit: asked.limit, format: "ndjson", signal: mine.signal });
    done({ result: await readResult(response), problem: null });
  } catch (error) {
    done({ result: null, problem: error instanceof Problem ? error : new Problem("error", String(error), 0) });
  }
}
