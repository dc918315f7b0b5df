/** Anything that can be asked of the lake in SQL. */

import "../style/pages.css";
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Problem } from "../api/client";
import { Icon } from "../components/icon";
import { CatalogPanel } from "../sql/catalog-panel";
import type { Editor } from "../sql/editor";
import { EditorPlace } from "../sql/editor-host";
import { placeOf, wordAt } from "../sql/error-position";
import { EXAMPLES } from "../sql/examples";
import { OutcomePanel } from "../sql/outcome-panel";
import { cancel, LIMITS, limit, outcome, run, runningSince } from "../sql/run-query";
import { type Catalog, readCatalog } from "../sql/sql-catalog";
import { sqlText } from "../state/view-state";
import { whole } from "../util/format";
import { narrow } from "../util/screen";

function Toolbar() {
  const running = runningSince.value !== null;
  return (
    <div class="toolbar">
      <button
        type="button"
        class="primary"
        disabled={running || (sqlText.value ?? "").trim() === ""}
        onClick={() => run(sqlText.peek() ?? "")}
        title="Ctrl+Enter"
      >
        <Icon name="play" /> Run
      </button>
      <button type="button" disabled={!running} onClick={cancel}>
        Cancel
      </button>
      <label>
        At most{" "}
        <select
          value={String(limit.value)}
          onChange={event => {
            limit.value = Number(event.currentTarget.value);
          }}
        >
          {LIMITS.map(rows => (
            <option key={rows} value={String(rows)}>
              {whole(rows)}
            </option>
          ))}
        </select>{" "}
        rows
      </label>
    </div>
  );
}

/** Shows a query's text before the catalog of the lake is known. */
export default function SqlPage() {
  const catalog = useSignal<Catalog | null>(null);
  const problem = useSignal<Problem | null>(null);
  const editor = useRef<Editor | null>(null);
  useEffect(() => {
    if (sqlText.peek() === null) sqlText.value = EXAMPLES[0]?.sql ?? "";
    readCatalog().then(
      found => {
        catalog.value = found;
      },
      error => {
        problem.value = error instanceof Problem ? error : new Problem("error", String(error), 0);
      },
    );
  }, [catalog, problem]);
  const wrong = useMemo(() => {
    const detail = outcome.value?.problem?.detail;
    return detail === undefined ? null : placeOf(detail);
  }, [outcome.value]);
  const insert = (text: string) => editor.current?.insert(text);
  const goTo = () => {
    const place = wrong && wordAt(outcome.peek()?.sql ?? "", wrong);
    if (place) editor.current?.goTo(place.from);
  };
  return (
    <main class="page split sql-page">
      <h1 class="hidden">SQL</h1>
      <aside aria-label="Examples and tables">
        <details class="panel" open={!narrow}>
          <summary>
            <h2>Examples</h2>
          </summary>
          <ul>
            {EXAMPLES.map(({ title, sql }) => (
              <li key={title}>
                <button
                  type="button"
                  class="plain choice"
                  aria-pressed={sqlText.value === sql}
                  onClick={event => {
                    // On a phone the list would cover what was chosen.
                    if (narrow) event.currentTarget.closest("details")?.removeAttribute("open");
                    sqlText.value = sql;
                    run(sql);
                  }}
                >
                  {title}
                </button>
              </li>
            ))}
          </ul>
        </details>
        <details class="panel tables" open={!narrow}>
          <summary>
            <h2>Tables</h2>
          </summary>
          <CatalogPanel catalog={catalog.value} problem={problem.value} insert={insert} />
        </details>
      </aside>
      <div class="work">
        <section class="panel query" aria-label="Query">
          <EditorPlace
            catalog={catalog.value}
            wrong={wrong}
            ready={made => {
              editor.current = made;
            }}
          />
          <Toolbar />
        </section>
        <OutcomePanel goTo={wrong ? goTo : null} />
      </div>
    </main>
  );
}
