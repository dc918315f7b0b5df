/** Time to close: median and 90th percentile by category, by SQL over the incidents. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { withCity } from "../api/resources";
import { Panel } from "../components/panel";
import { afterMapDrawn, chartsFilter } from "../map/questions";
import { toCondition } from "../state/question-sql";
import { countQuestion, filterParams } from "../state/questions";
import { filters, toggleLabelValue } from "../state/view-state";
import { formatDuration, formatInteger, labelText } from "../util/format";

interface Row {
  category: string | null;
  closed: number;
  median_seconds: number;
  p90_seconds: number;
}

const MAX_CATEGORIES = 8;

const question = computed(() => countQuestion(["category"], withCity(filterParams(filters.value)), chartsFilter.value));
const query = computed(
  () => `SELECT category, count(*) AS closed,
  approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median_seconds,
  approx_percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS p90_seconds
FROM (
  SELECT *, date_part('epoch', closed_at) - date_part('epoch', occurred_at) AS seconds
  FROM incidents
  WHERE closed_at >= occurred_at AND ${toCondition(question.value)}
)
GROUP BY category
ORDER BY closed DESC, category
LIMIT ${MAX_CATEGORIES}`,
);

const answer = watchAnswer<Row[]>(afterMapDrawn(() => ({ path: "sql", params: [["query", query.value]] })));

/** The panel. */
export function ClosingTimes() {
  const rows = answer.value.rows ?? [];
  const most = Math.max(1, ...rows.map(row => row.median_seconds));
  return (
    <Panel
      title="Time to close"
      note="median, 90th percentile"
      answer={answer.value}
      empty={rows.length === 0}
      class="facets"
    >
      <ul>
        {rows.map(row => (
          <li key={row.category ?? ""}>
            <button
              type="button"
              class="facet"
              aria-pressed={filters.value.labels.category.includes(row.category ?? "")}
              title={`${labelText(row.category)}: ${formatInteger(row.closed)} closed, median ${formatDuration(row.median_seconds)}, 90th percentile ${formatDuration(row.p90_seconds)}`}
              onClick={() => toggleLabelValue("category", row.category ?? "")}
            >
              <i style={{ width: `${(100 * row.median_seconds) / most}%` }} />
              <span>{labelText(row.category)}</span>
              <b>
                {formatDuration(row.median_seconds)} <small>{formatDuration(row.p90_seconds)}</small>
              </b>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
