/** How long until closed: the median by category, in SQL over the incidents themselves. */

import { computed, effect, signal } from "@preact/signals";
import type { Known } from "../lake/answer";
import { askSql, Problem, type Question } from "../lake/ask";
import { lakeVersion } from "../lake/live";
import { asked, chartsView, ready, WAIT_MS } from "../map/what";
import { duration, named, whole } from "../parts/numbers";
import { Panel } from "../parts/panel";
import { counts, params } from "../state/questions";
import { condition } from "../state/sql";
import { filters, toggle } from "../state/view";

interface Row {
  category: string | null;
  closed: number;
  median_seconds: number;
  p90_seconds: number;
}

const TOP = 8;

const question = computed(() => counts(["category"], asked(params(filters.value)), chartsView.value));
const query = computed(
  () => `SELECT category, count(*) AS closed,
  approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds,
  approx_percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS p90_seconds
FROM (
  SELECT *, date_part('epoch', closed_at) - date_part('epoch', occurred_at) AS seconds
  FROM incidents
  WHERE closed_at >= occurred_at AND ${condition(question.value)}
)
GROUP BY category
ORDER BY closed DESC, category
LIMIT ${TOP}`,
);

const known = signal<Known<Row[]>>({ rows: null, meta: null, of: null, loading: false, problem: null });
/** Grows when the lake has changed while a query was under way. */
const again = signal(0);
let running: AbortController | null = null;
let askedQuery = "";
let askedVersion = -1;
let busy = false;
effect(() => {
  again.value;
  const asked = query.value;
  const version = lakeVersion.value;
  if (!ready.value || (asked === askedQuery && (version === askedVersion || busy))) return;
  askedQuery = asked;
  askedVersion = version;
  busy = true;
  running?.abort();
  const current = new AbortController();
  running = current;
  known.value = { ...known.peek(), loading: true };
  const ended = (result: Partial<Known<Row[]>>) => {
    if (current.signal.aborted) return;
    busy = false;
    known.value = { ...known.peek(), loading: false, problem: null, ...result };
    if (lakeVersion.peek() !== version) again.value += 1;
  };
  const of: Question = { path: "sql", params: [["query", asked]] };
  const go = () => {
    if (current.signal.aborted) return;
    askSql<Row>(asked, { signal: current.signal }).then(
      ({ rows, meta }) => ended({ rows, meta, of }),
      error => ended({ problem: error instanceof Problem ? error : new Problem("error", String(error), 0) }),
    );
  };
  setTimeout(go, WAIT_MS * 3);
});

/** The panel. */
export function Closing() {
  const rows = known.value.rows ?? [];
  const most = Math.max(1, ...rows.map(row => row.median_seconds));
  const boxed = filters.value.area?.kind === "polygon";
  return (
    <Panel
      title="Time to close"
      note={boxed ? "in the box around the polygon" : "median, and nine of ten"}
      known={known.value}
      empty={rows.length === 0}
      sql={query.value}
      class="facets"
    >
      <ul>
        {rows.map(row => (
          <li key={row.category ?? ""}>
            <button
              type="button"
              class="facet"
              aria-pressed={filters.value.labels.category.includes(row.category ?? "")}
              title={`${named(row.category)}: half of ${whole(row.closed)} closed within ${duration(row.median_seconds)}, nine of ten within ${duration(row.p90_seconds)}`}
              onClick={() => toggle("category", row.category ?? "")}
            >
              <i style={{ width: `${(100 * row.median_seconds) / most}%` }} />
              <span>{named(row.category)}</span>
              <b>
                {duration(row.median_seconds)} <small>{duration(row.p90_seconds)}</small>
              </b>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
