/** The SQL page. */

import "../style/pages.css";
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Problem } from "../api/client";
import { Icon } from "../components/icon";
import { CatalogPanel } from "../sql/catalog-panel";
import type { Editor } from "../sql/editor";
import { EditorHost } from "../sql/editor-host";
import { findWord, parsePosition } from "../sql/error-position";
import { EXAMPLES } from "../sql/examples";
import { OutcomePanel } from "../sql/outcome-panel";
import { cancelQuery, outcome, ROW_LIMITS, rowLimit, runningSince, runQuery } from "../sql/run-query";
import { fetchCatalog, type SqlCatalog } from "../sql/sql-catalog";
import { sqlText } from "../state/view-state";
import { formatInteger } from "../util/format";
import { isPhone } from "../util/screen";

function QueryToolbar() {
  const running = runningSince.value !== null;
  return (
    <div class="toolbar">
      <button
        type="button"
        class="primary"
        disabled={running || (sqlText.value ?? "").trim() === ""}
        onClick={() => runQuery(sqlText.peek() ?? "")}
        title="Ctrl+Enter"
      >
        <Icon name="play" /> Run
      </button>
      <button type="button" disabled={!running} onClick={cancelQuery}>
        Cancel
      </button>
      <label>
        Limit{" "}
        <select
          value={String(rowLimit.value)}
          onChange={event => {
            rowLimit.value = Number(event.currentTarget.value);
          }}
        >
          {ROW_LIMITS.map(rows => (
            <option key={rows} value={String(rows)}>
              {formatInteger(rows)}
            </option>
          ))}
        </select>{" "}
        rows
      </label>
    </div>
  );
}

/** The SQL page; it is usable before the catalog is loaded. */
export default function SqlPage() {
  const catalog = useSignal<SqlCatalog | null>(null);
  const problem = useSignal<Problem | null>(null);
  const editor = useRef<Editor | null>(null);
  useEffect(() => {
    if (sqlText.peek() === null) sqlText.value = EXAMPLES[0]?.sql ?? "";
    fetchCatalog().then(
      found => {
        catalog.value = found;
      },
      error => {
        problem.value = error instanceof Problem ? error : new Problem("error", String(error), 0);
      },
    );
  }, [catalog, problem]);
  const errorPosition = useMemo(() => {
    const detail = outcome.value?.problem?.detail;
    return detail === undefined ? null : parsePosition(detail);
  }, [outcome.value]);
  const insert = (text: string) => editor.current?.insert(text);
  const goTo = () => {
    const range = errorPosition && findWord(outcome.peek()?.sql ?? "", errorPosition);
    if (range) editor.current?.goTo(range.from);
  };
  return (
    <main class="page split sql-page">
      <h1 class="hidden">SQL</h1>
      <aside aria-label="Examples and tables">
        <details class="panel" open={!isPhone}>
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
                    // On a phone the list would cover the answer.
                    if (isPhone) event.currentTarget.closest("details")?.removeAttribute("open");
                    sqlText.value = sql;
                    runQuery(sql);
                  }}
                >
                  {title}
                </button>
              </li>
            ))}
          </ul>
        </details>
        <details class="panel tables" open={!isPhone}>
          <summary>
            <h2>Tables</h2>
          </summary>
          <CatalogPanel catalog={catalog.value} problem={problem.value} insert={insert} />
        </details>
      </aside>
      <div class="content">
        <section class="panel query" aria-label="Query">
          <EditorHost
            catalog={catalog.value}
            errorPosition={errorPosition}
            ready={created => {
              editor.current = created;
            }}
          />
          <QueryToolbar />
        </section>
        <OutcomePanel goTo={errorPosition ? goTo : null} />
      </div>
    </main>
  );
}
