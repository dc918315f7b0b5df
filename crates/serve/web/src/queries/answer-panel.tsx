/** The answer of a named query. */

import { type Question, sendQuestion } from "../api/client";
import type { NamedQuery } from "../api/types";
import { ErrorMessage } from "../components/panel";
import { ResultView } from "../results/result-view";
import { copyText, saveFile, toCurl, withFormat } from "../util/export";
import { formatInteger, formatTime } from "../util/format";
import { MAX_ROWS, queryAnswer, queryQuestion, queryResult, splitName } from "./named-queries";

function Actions({ query, asked }: { query: NamedQuery; asked: Question }) {
  const download = (format: string) =>
    saveFile(`${splitName(query.name)[1]}.${format}`, sendQuestion(withFormat(asked, format), "*/*"));
  return (
    <div class="actions">
      <button type="button" onClick={() => download("csv")}>
        CSV
      </button>
      <button type="button" onClick={() => download("parquet")}>
        Parquet
      </button>
      <button type="button" onClick={() => copyText("curl command", toCurl(withFormat(asked, "csv")))}>
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

/** The rows of a named query, or a problem. */
export function AnswerPanel({ query }: { query: NamedQuery }) {
  const { loading, problem } = queryAnswer.value;
  const asked = queryQuestion.value;
  const rows = queryResult.value;
  const about = new Map((query.columns ?? []).map(({ name, about }) => [name, about ?? ""]));
  return (
    <section class="panel outcome" aria-label="Result" aria-busy={loading}>
      {asked === null ? (
        <p class="empty">Enter the required values and run the query.</p>
      ) : problem ? (
        <ErrorMessage problem={problem} />
      ) : rows === null ? (
        <p class="loading" role="status">
          Loading…
        </p>
      ) : (
        <>
          <div class="outcome-head">
            <p role="status" data-testid="query-status">
              <strong>
                {formatInteger(rows.rows.length)} {rows.rows.length === 1 ? "row" : "rows"}
              </strong>{" "}
              {rows.asOf && <span class="soft">as of {formatTime(rows.asOf)} UTC</span>}{" "}
              {rows.truncated && (
                <span
                  class="badge bad"
                  title={`The answer has more than ${formatInteger(MAX_ROWS)} rows. Download it for all.`}
                >
                  truncated
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
