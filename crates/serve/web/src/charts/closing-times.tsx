/** How long until closed: the median by category, in SQL over the incidents themselves. */

import { computed } from "@preact/signals";
import { follow } from "../api/answer";
import { Panel } from "../components/panel";
import { afterMap, asked, chartsView } from "../map/questions";
import { condition } from "../state/question-sql";
import { counts, params } from "../state/questions";
import { filters, toggle } from "../state/view-state";
import { duration, named, whole } from "../util/format";

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

const known = follow<Row[]>(afterMap(() => ({ path: "sql", params: [["query", query.value]] })));

/** The panel. */
export function Closing() {
  const rows = known.value.rows ?? [];
  const most = Math.max(1, ...rows.map(row => row.median_seconds));
  return (
    <Panel title="Time to close" note="half, nine of ten" known={known.value} empty={rows.length === 0} class="facets">
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
