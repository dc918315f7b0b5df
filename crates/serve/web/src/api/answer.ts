/** The answer to a question that changes: a newer question aborts the older request, whose answer stays until then. */

import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { type Answer, type AnswerMeta, fetchAnswer, formatAddress, Problem, type Question } from "./client";
import { lakeVersion } from "./live-updates";

/** The state of an answer. */
export interface AnswerState<T> {
  rows: T | null;
  meta: AnswerMeta | null;
  /** The question that `rows` answers. */
  question: Question | null;
  loading: boolean;
  problem: Problem | null;
}

const EMPTY_STATE: AnswerState<never> = { rows: null, meta: null, question: null, loading: false, problem: null };

/**
 * Watches a question: fetches its answer when the question changes, and when `revision` does, by default with every
 * change of the lake. `null` clears the answer. `undefined` keeps it without fetching, for views that are not shown.
 * Questions that follow each other within `debounceMs` are fetched when they pause; the first is fetched at once.
 * `parse` parses the JSON of answers.
 */
export function watchAnswer<T>(
  question: ReadonlySignal<Question | null | undefined>,
  debounceMs = 0,
  revision: ReadonlySignal<number> = lakeVersion,
  parse?: (json: string) => T,
): ReadonlySignal<AnswerState<T>> {
  const state = signal<AnswerState<T>>(EMPTY_STATE);
  /** Increases when the lake changed while a request was running. */
  const reruns = signal(0);
  let currentAddress: string | null = null;
  let currentRevision = -1;
  let busy = false;
  let running: AbortController | null = null;
  let timer = 0;
  let changedAt = Number.NEGATIVE_INFINITY;
  effect(() => {
    reruns.value;
    const next = question.value;
    if (next === undefined) return;
    const address = next === null ? null : formatAddress(next);
    const newRevision = address === null ? 0 : revision.value;
    // A new revision does not abort a running request: with a batch each second, none would ever finish.
    if (address === currentAddress && (newRevision === currentRevision || busy)) return;
    currentAddress = address;
    currentRevision = newRevision;
    running?.abort();
    clearTimeout(timer);
    busy = next !== null;
    if (next === null) {
      state.value = EMPTY_STATE;
      return;
    }
    const current = new AbortController();
    running = current;
    const finish = () => {
      busy = false;
      if (revision.peek() !== newRevision) reruns.value += 1;
    };
    const start = () => {
      fetchAnswer<T>(next, current.signal, parse).then(
        (answer: Answer<T>) => {
          if (current.signal.aborted) return;
          state.value = { ...answer, question: next, loading: false, problem: null };
          finish();
        },
        (error: unknown) => {
          if (current.signal.aborted) return;
          const problem = error instanceof Problem ? error : new Problem("error", String(error), 0);
          state.value = { ...state.peek(), loading: false, problem };
          finish();
        },
      );
    };
    state.value = { ...state.peek(), loading: true };
    const now = performance.now();
    if (now - changedAt >= debounceMs) start();
    else timer = window.setTimeout(start, debounceMs);
    changedAt = now;
  });
  return state;
}
