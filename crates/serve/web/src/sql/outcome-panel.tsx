/** The outcome of the query: its rows or its error. */

import { useEffect, useState } from "preact/hooks";
import { fetchAnswer, fetchSql } from "../api/client";
import { ErrorMessage } from "../components/panel";
import { ResultView } from "../results/result-view";
import { copyText, formatCurl, saveFile } from "../util/export";
import { formatInteger } from "../util/format";
import { type Outcome, outcome, runningSince, wasCancelled } from "./run-query";

/** Formats milliseconds. */
export const formatElapsed = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;

/** The elapsed time of the running query. */
function ElapsedTime({ since }: { since: number }) {
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 100);
    return () => clearInterval(timer);
  }, []);
  return <span class="mono">{formatElapsed(Math.max(0, now - since))}</span>;
}

/** Fetches the maximum number of rows of an answer. */
async function fetchMaxRows(): Promise<number> {
  const { rows } = await fetchAnswer<{ name: string; value: number | null }[]>({ path: "limits", params: [] });
  return rows.find(({ name }) => name === "max_rows")?.value ?? 100_000;
}

async function download(sql: string, format: "csv" | "parquet"): Promise<void> {
  const answer = fetchMaxRows().then(limit => fetchSql(sql, { format, limit }));
  await saveFile(
    `query.${format}`,
    answer.then(({ response }) => response),
  );
}

function toCurlCommand({ sql, limit }: Outcome): string {
  return formatCurl("sql", JSON.stringify({ query: sql, limit, format: "csv" }));
}

function OutcomeRows({ outcome }: { outcome: Outcome }) {
  const { result, sql } = outcome;
  if (result === null) return null;
  return (
    <>
      <div class="outcome-head">
        <p role="status" data-testid="sql-status">
          <strong>
            {formatInteger(result.rows.length)} {result.rows.length === 1 ? "row" : "rows"}
          </strong>{" "}
          <span class="soft">in {formatElapsed(outcome.ms)}</span>{" "}
          {result.truncated && (
            <span
              class="badge bad"
              title={`The answer has more rows than the limit of ${formatInteger(outcome.limit)}`}
            >
              truncated
            </span>
          )}{" "}
          {!result.exact && (
            <span class="badge warn" title="Counted under an earlier definition. Run compact to recount.">
              unreconciled
            </span>
          )}
        </p>
        <div class="actions">
          <button type="button" onClick={() => download(sql, "csv")}>
            CSV
          </button>
          <button type="button" onClick={() => download(sql, "parquet")}>
            Parquet
          </button>
          <button type="button" onClick={() => copyText("curl command", toCurlCommand(outcome))}>
            Copy as curl
          </button>
        </div>
      </div>
      {result.truncated && (
        <p class="hint">
          There are more rows than the limit of {formatInteger(outcome.limit)}: ask for more, or download, which asks
          for as many as the server gives.
        </p>
      )}
      <ResultView result={result} label="query" />
    </>
  );
}

/** The panel of the outcome. */
export function OutcomePanel({ goTo }: { goTo: (() => void) | null }) {
  const since = runningSince.value;
  const last = outcome.value;
  return (
    <section class="panel outcome" aria-label="Result" aria-busy={since !== null}>
      {since !== null && (
        <p class="loading" role="status">
          Running… <ElapsedTime since={since} />
        </p>
      )}
      {since === null && wasCancelled.value && <p class="loading">Cancelled.</p>}
      {last?.problem && since === null && (
        <div class="query-error">
          <ErrorMessage problem={last.problem} />
          {goTo && (
            <button type="button" onClick={goTo}>
              Show the position
            </button>
          )}
        </div>
      )}
      {last?.result && <OutcomeRows outcome={last} />}
      {last === null && since === null && !wasCancelled.value && (
        <div class="placeholder">
          <p>
            Enter a read-only query. <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs it.
          </p>
          <p class="soft">
            A column of H3 cells is shown on a map; a number by time, name or hour of the week as a chart.
          </p>
        </div>
      )}
    </section>
  );
}
