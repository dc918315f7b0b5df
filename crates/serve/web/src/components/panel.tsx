/** A panel: its title, its menu, and one of the states that anything asked over a network can be in. */

import { computed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Known } from "../api/answer";
import type { Problem } from "../api/client";
import { landed } from "../api/resources";
import { narrowed } from "../state/view-state";
import { CopyMenu } from "./copy-menu";

interface Props {
  title: string;
  /** A few words after the title. */
  note?: ComponentChildren;
  known: Known<unknown>;
  /** Whether there is nothing to show, or what is said of it. */
  empty?: boolean | string;
  children: ComponentChildren;
  class?: string;
}

/** What is said where nothing is: whether there was something to filter is another matter. */
export const nothing = computed(() => {
  if (narrowed.value > 0) return "Nothing here with these filters.";
  return landed.value.some(resource => resource.incidents > 0) ? "Nothing here." : "Nothing yet.";
});

/** What went wrong, as the server says it. */
export function Failure({ problem }: { problem: Problem }) {
  return (
    <p class="failure" role="alert">
      <strong>{problem.title}.</strong> {problem.detail}
      {problem.requestId && <small> Request {problem.requestId}</small>}
    </p>
  );
}

/** A panel around what a question's answer shows. */
export function Panel({ title, note, known, empty, children, class: more }: Props) {
  const id = `panel-${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  const waiting = known.rows === null && known.problem === null;
  return (
    <section class={`panel ${more ?? ""}`} aria-labelledby={id} aria-busy={known.loading}>
      <header>
        <h2 id={id}>{title}</h2>
        {note && <span class="note">{note}</span>}
        {known.of && <CopyMenu title={title} question={known.of} />}
      </header>
      {known.problem ? (
        <Failure problem={known.problem} />
      ) : waiting ? (
        <p class="waiting" role="status">
          Counting…
        </p>
      ) : empty ? (
        <p class="empty">{empty === true ? nothing.value : empty}</p>
      ) : (
        children
      )}
    </section>
  );
}
