/** A panel: its title, its menu, and one of the states that anything asked over a network can be in. */

import { computed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { AnswerState } from "../api/answer";
import type { Problem } from "../api/client";
import { landedResources } from "../api/resources";
import { filterCount } from "../state/view-state";
import { CopyMenu } from "./copy-menu";

interface Props {
  title: string;
  /** A few words after the title. */
  note?: ComponentChildren;
  answer: AnswerState<unknown>;
  /** Whether there is nothing to show, or what is said of it. */
  empty?: boolean | string;
  children: ComponentChildren;
  class?: string;
}

/** What is said where nothing is: whether there was something to filter is another matter. */
export const emptyText = computed(() => {
  if (filterCount.value > 0) return "Nothing here with these filters.";
  return landedResources.value.some(resource => resource.incidents > 0) ? "Nothing here." : "Nothing yet.";
});

/** What went wrong, as the server says it. */
export function ErrorMessage({ problem }: { problem: Problem }) {
  return (
    <p class="failure" role="alert">
      <strong>{problem.title}.</strong> {problem.detail}
      {problem.requestId && <small> Request {problem.requestId}</small>}
    </p>
  );
}

/** A panel around what a question's answer shows. */
export function Panel({ title, note, answer, empty, children, class: more }: Props) {
  const id = `panel-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  const waiting = answer.rows === null && answer.problem === null;
  return (
    <section class={`panel ${more ?? ""}`} aria-labelledby={id} aria-busy={answer.loading}>
      <header>
        <h2 id={id}>{title}</h2>
        {note && <span class="note">{note}</span>}
        {answer.question && <CopyMenu title={title} question={answer.question} />}
      </header>
      {answer.problem ? (
        <ErrorMessage problem={answer.problem} />
      ) : waiting ? (
        <p class="loading" role="status">
          Counting…
        </p>
      ) : empty ? (
        <p class="empty">{empty === true ? emptyText.value : empty}</p>
      ) : (
        children
      )}
    </section>
  );
}
