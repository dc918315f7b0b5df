/** The answer to a question that changes: the older request is given up, the older answer stays until the newer comes. */

import { effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { type Answer, address, ask, type Meta, Problem, type Question } from "./ask";
import { lakeVersion } from "./live";

/** What is known of a question's answer. */
export interface Known<T> {
  rows: T | null;
  meta: Meta | null;
  /** The question that `rows` answer. */
  of: Question | null;
  loading: boolean;
  problem: Problem | null;
}

const NOTHING: Known<never> = { rows: null, meta: null, of: null, loading: false, problem: null };

/**
 * Follows a question: asks it whenever it changes, and again when the lake does. `null` asks nothing. `waitMs` is how
 * long a change must stand before it is asked.
 */
export function follow<T>(question: ReadonlySignal<Question | null>, waitMs = 0): ReadonlySignal<Known<T>> {
  const known = signal<Known<T>>(NOTHING);
  let asked = "";
  let running: AbortController | null = null;
  let timer = 0;
  effect(() => {
    const wanted = question.value;
    const key = wanted === null ? "" : `${lakeVersion.value} ${address(wanted)}`;
    if (key === asked) return;
    asked = key;
    running?.abort();
    clearTimeout(timer);
    if (wanted === null) {
      known.value = NOTHING;
      return;
    }
    const current = new AbortController();
    running = current;
    const go = () => {
      ask<T>(wanted, current.signal).then(
        (answer: Answer<T>) => {
          known.value = { ...answer, of: wanted, loading: false, problem: null };
        },
        (error: unknown) => {
          if (current.signal.aborted) return;
          const problem = error instanceof Problem ? error : new Problem("error", String(error), 0);
          known.value = { ...known.peek(), loading: false, problem };
          // The same question may be asked again, by whoever changes it back.
          asked = "";
        },
      );
    };
    untracked(() => {
      known.value = { ...known.peek(), loading: true };
    });
    // The first question has nobody to wait for.
    if (waitMs === 0 || untracked(() => known.value.of === null)) go();
    else timer = window.setTimeout(go, waitMs);
  });
  return known;
}
