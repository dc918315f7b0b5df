/** A panel with a title and a menu, which shows an answer, a loading state, an error or an empty text. */

import { computed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { AnswerState } from "../api/answer";
import type { Problem } from "../api/client";
import { landedResources } from "../api/resources";
import { filterCount } from "../state/view-state";
import { CopyMenu } from "./copy-menu";

interface Props {
  title: string;
  /** Text after the title. */
  note?: ComponentChildren;
  answer: AnswerState<unknown>;
  /** Whether the answer is empty, or the text to show if it is. */
  empty?: boolean | string;
  children: ComponentChildren;
  class?: string;
}

/** The text of an empty panel, which depends on whether filters are set. */
export const emptyText = computed(() => {
  if (filterCount.value > 0) return "No incidents match the filters.";
  return landedResources.value.some(resource => resource.incidents > 0) ? "No incidents." : "No incidents yet.";
});

/** The message of a problem. */
export function ErrorMessage({ problem }: { problem: Problem }) {
  return (
    <p class="failure" role="alert">
      <strong>{problem.title}.</strong> {problem.detail}
      {problem.requestId && <small> Request {problem.requestId}</small>}
    </p>
  );
}

/** A panel around the view of an answer. */
export function Panel({ title, note, answer, empty, children, class: extraClass }: Props) {
  const id = `panel-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  const waiting = answer.rows === null && answer.problem === null;
  return (
    <section class={`panel ${extraClass ?? ""}`} aria-labelledby={id} aria-busy={answer.loading}>
      <header>
        <h2 id={id}>{title}</h2>
        {note && <span class="note">{note}</span>}
        {answer.question && <CopyMenu title={title} question={answer.question} />}
      </header>
      {answer.problem ? (
        <ErrorMessage problem={answer.problem} />
      ) : waiting ? (
        <p class="loading" role="status">
          Loading…
        </p>
      ) : empty ? (
        <p class="empty">{empty === true ? emptyText.value : empty}</p>
      ) : (
        children
      )}
    </section>
  );
}
