/** What a named query answers. */

import { type Question, sendQuestion } from "../api/client";
import { copy, curl, inFormat, save } from "../components/copy-menu";
import { Failure } from "../components/panel";
import { ResultView } from "../results/result-view";
import { clock, whole } from "../util/format";
import { answer, type NamedQuery, parts, question, ROWS, result } from "./named-queries";

function Actions({ query, asked }: { query: NamedQuery; asked: Question }) {
  const download = (format: string) =>
    save(`${parts(query.name)[1]}.${format}`, sendQuestion(inFormat(asked, format), "*/*"));
  return (
    <div class="actions">
      <button type="button" onClick={() => download("csv")}>
        CSV
      </button>
      <button type="button" onClick={() => download("parquet")}>
        Parquet
      </button>
      <button type="button" onClick={() => copy("The curl command", curl(inFormat(asked, "csv")))}>
        Copy as curl
      </button>
    </div>
  );
}

function Columns({ query }: { query: NamedQuery }) {
  if (!query.columns || query.columns.length === 0) return null;
  return (
    <dl class="columns" aria-label="Columns">
      {query.columns.map(({ name, type, about }) => (
        <div key={name}>
          <dt>
            <span class="mono">{name}</span> <small>{type}</small>
          </dt>
          <dd>{about}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The rows of the query that is chosen, or why there are none. */
export function AnswerPanel({ query }: { query: NamedQuery }) {
  const { loading, problem } = answer.value;
  const asked = question.value;
  const rows = result.value;
  const about = new Map((query.columns ?? []).map(({ name, about }) => [name, about ?? ""]));
  return (
    <section class="panel outcome" aria-label="Result" aria-busy={loading}>
      {asked === null ? (
        <p class="empty">Give the required values, then run it.</p>
      ) : problem ? (
        <Failure problem={problem} />
      ) : rows === null ? (
        <p class="waiting" role="status">
          Counting…
        </p>
      ) : (
        <>
          <div class="outcome-head">
            <p role="status" data-testid="query-status">
              <strong>
                {whole(rows.rows.length)} {rows.rows.length === 1 ? "row" : "rows"}
              </strong>{" "}
              {rows.asOf && <span class="soft">as of {clock(rows.asOf)} UTC</span>}{" "}
              {rows.truncated && (
                <span class="badge bad" title={`There are more than ${whole(ROWS)} rows: a download has them`}>
                  cut short
                </span>
              )}{" "}
              {!rows.exact && <span class="badge warn">unreconciled</span>}
            </p>
            <Actions query={query} asked={asked} />
          </div>
          <ResultView result={rows} label={query.title} about={about} />
        </>
      )}
      <Columns query={query} />
    </section>
  );
}
