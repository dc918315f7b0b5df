/** The page of named queries: a list, a form and the answer. */

import "../style/pages.css";
import { batch } from "@preact/signals";
import type { NamedQuery } from "../api/types";
import { ErrorMessage } from "../components/panel";
import { AnswerPanel } from "../queries/answer-panel";
import { groupByFolder, namedQueries, queryAnswer, selectedQuery } from "../queries/named-queries";
import { QueryForm } from "../queries/query-form";
import { queryName, queryValues } from "../state/view-state";
import { isPhone } from "../util/screen";

/** Selects a query, and keeps the values of parameters that it has, too. */
function selectQuery(query: NamedQuery): void {
  const taken = new Set(query.parameters.map(({ name }) => name));
  batch(() => {
    queryName.value = query.name;
    queryValues.value = new Map([...queryValues.peek()].filter(([name]) => taken.has(name)));
  });
}

function QueryList({ all }: { all: readonly NamedQuery[] }) {
  return (
    <details class="panel" open={!isPhone || queryName.peek() === null}>
      <summary>
        <h2>{all.length} queries</h2>
      </summary>
      {[...groupByFolder(all)].map(([folder, found]) => (
        <section key={folder} aria-label={folder || "No folder"}>
          {folder && <h3>{folder}</h3>}
          <ul>
            {found.map(query => (
              <li key={query.name}>
                <button
                  type="button"
                  class="plain choice"
                  aria-pressed={queryName.value === query.name}
                  title={query.about ?? query.name}
                  onClick={event => {
                    if (isPhone) event.currentTarget.closest("details")?.removeAttribute("open");
                    selectQuery(query);
                  }}
                >
                  {query.title}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </details>
  );
}

function QueryCards({ all }: { all: readonly NamedQuery[] }) {
  return (
    <ul class="cards">
      {all.map(query => (
        <li key={query.name}>
          <button type="button" onClick={() => selectQuery(query)}>
            <strong>{query.title}</strong>
            <span>{query.about}</span>
            <code>{query.name}</code>
          </button>
        </li>
      ))}
    </ul>
  );
}

function SelectedQuery({ query }: { query: NamedQuery }) {
  return (
    <>
      <section class="panel about" aria-labelledby="query-title">
        <h1 id="query-title">{query.title}</h1>
        <p>
          {query.about} <code>{query.name}</code>
        </p>
        <QueryForm key={query.name} query={query} busy={queryAnswer.value.loading} />
      </section>
      <AnswerPanel query={query} />
    </>
  );
}

/** The page of named queries. */
export default function QueriesPage() {
  const { rows, problem } = namedQueries.value;
  const query = selectedQuery.value;
  if (problem && rows === null) {
    return (
      <main class="page">
        <h1>Queries</h1>
        <ErrorMessage problem={problem} />
      </main>
    );
  }
  if (rows === null) {
    return (
      <main class="page">
        <p class="loading" role="status">
          Loading the queries…
        </p>
      </main>
    );
  }
  return (
    <main class="page split queries-page">
      <aside aria-label="Named queries">
        <QueryList all={rows} />
      </aside>
      <div class="content">
        {query ? (
          <SelectedQuery query={query} />
        ) : (
          <>
            <h1>{queryName.value === null ? "Queries" : `Query not found: ${queryName.value}`}</h1>
            <p class="soft">Select a query. The address of the page includes its parameters and can be shared.</p>
            <QueryCards all={rows} />
          </>
        )}
      </div>
    </main>
  );
}
