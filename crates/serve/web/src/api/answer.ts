/** The answer to a question that changes: the older request is given up, the older answer stays until the newer comes. */

import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { type Answer, type AnswerMeta, fetchAnswer, formatAddress, Problem, type Question } from "./client";
import { lakeVersion } from "./live-updates";

/** What is known of a question's answer. */
export interface AnswerState<T> {
  rows: T | null;
  meta: AnswerMeta | null;
  /** The question that `rows` answer. */
  question: Question | null;
  loading: boolean;
  problem: Problem | null;
}

const EMPTY_STATE: AnswerState<never> = { rows: null, meta: null, question: null, loading: false, problem: null };

/**
 * Follows a question: asks it whenever it changes, and again when the lake does, or whatever `newer` counts. `null` asks
 * nothing. `undefined` asks nothing either, and keeps what is known: whatever shows it is not on screen. A change that
 * follows another within `waitMs` must stand as long before it is asked; one that stands alone is asked at once. Answers
 * are read with `parse`.
 */
export function watchAnswer<T>(
  question: ReadonlySignal<Question | null | undefined>,
  waitMs = 0,
  newer: ReadonlySignal<number> = lakeVersion,
  parse?: (json: string) => T,
): ReadonlySignal<AnswerState<T>> {
  const known = signal<AnswerState<T>>(EMPTY_STATE);
  /** Grows when the lake has changed while a question was under way. */
  const again = signal(0);
  let askedAt: string | null = null;
  let askedVersion = -1;
  let busy = false;
  let running: AbortController | null = null;
  let timer = 0;
  let changedAt = Number.NEGATIVE_INFINITY;
  effect(() => {
    again.value;
    const wanted = question.value;
    if (wanted === undefined) return;
    const at = wanted === null ? null : formatAddress(wanted);
    const version = at === null ? 0 : newer.value;
    // A newer lake does not overtake the same question: while rows land each second, none would ever be answered.
    if (at === askedAt && (version === askedVersion || busy)) return;
    askedAt = at;
    askedVersion = version;
    running?.abort();
    clearTimeout(timer);
    busy = wanted !== null;
    if (wanted === null) {
      known.value = EMPTY_STATE;
      return;
    }
    const current = new AbortController();
    running = current;
    const ended = () => {
      busy = false;
      if (newer.peek() !== version) again.value += 1;
    };
    const go = () => {
      fetchAnswer<T>(wanted, current.signal, parse).then(
        (answer: Answer<T>) => {
          if (current.signal.aborted) return;
          known.value = { ...answer, question: wanted, loading: false, problem: null };
          ended();
        },
        (error: unknown) => {
          if (current.signal.aborted) return;
          const problem = error instanceof Problem ? error : new Problem("error", String(error), 0);
          known.value = { ...known.peek(), loading: false, problem };
          ended();
        },
      );
    };
    known.value = { ...known.peek(), loading: true };
    const now = performance.now();
    if (now - changedAt >= waitMs) go();
    else timer = window.setTimeout(go, waitMs);
    changedAt = now;
  });
  return known;
}
