/** Months by category, as lines. */

import { computed } from "@preact/signals";
import { follow } from "../lake/answer";
import type { Count } from "../lake/types";
import { afterMap, asked, chartsView } from "../map/what";
import { hues } from "../parts/colours";
import { named, whole } from "../parts/numbers";
import { Panel } from "../parts/panel";
import { dark } from "../parts/theme";
import { counts, params } from "../state/questions";
import { filters, toggle } from "../state/view";
import { filled } from "../time/bars";
import { span } from "../time/span";
import { Chart } from "./chart";

const answer = follow<Count[]>(
  afterMap(() => {
    const more = [["time_precision", "1mo"] as const, ["dated", "true"] as const, ...chartsView.value];
    return counts(["time", "category"], asked(params(filters.value)), more);
  }),
);

/** Lines that can be told apart. */
const LINES = 6;

const rows = computed(() => answer.value.rows ?? []);

const lines = computed(() => {
  const sums = new Map<string, number>();
  for (const row of rows.value) sums.set(row.category ?? "", (sums.get(row.category ?? "") ?? 0) + row.count);
  const top = [...sums].sort((a, b) => b[1] - a[1]).slice(0, LINES);
  return top.map(([category, sum]) => {
    const own = rows.value.filter(row => (row.category ?? "") === category);
    const points = filled(own, filters.value.window ?? span.value, "month");
    const first = points.findIndex(([, count]) => count > 0);
    // A category that came later has no line before.
    return { category, sum, points: points.slice(Math.max(0, first)) };
  });
});

const option = computed(() => ({
  grid: { left: 40, right: 8, top: 8, bottom: 22 },
  xAxis: { type: "time", axisLabel: { hideOverlap: true }, splitLine: { show: false } },
  yAxis: { type: "value", splitNumber: 3 },
  series: lines.value.map(({ category, points }) => ({
    name: named(category),
    type: "line",
    data: points,
    showSymbol: points.length < 3,
    lineStyle: { width: 1.8 },
    triggerLineEvent: true,
  })),
}));

/** The panel. */
export function Categories() {
  const shown = lines.value;
  return (
    <Panel
      title="Months by category"
      note={`the ${shown.length} most frequent`}
      known={answer.value}
      empty={shown.length === 0}
    >
      <Chart
        option={option.value}
        label={`Incidents by month: ${shown.map(({ category, sum }) => `${named(category)} ${whole(sum)}`).join(", ")}`}
        class="lines"
        pick={({ seriesName }) => {
          const found = shown.find(({ category }) => named(category) === seriesName);
          if (found) toggle("category", found.category);
        }}
      />
      <ul class="keys">
        {shown.map(({ category, sum }, n) => (
          <li key={category}>
            <button
              type="button"
              aria-pressed={filters.value.labels.category.includes(category)}
              onClick={() => toggle("category", category)}
            >
              <i style={{ background: hues(dark.value)[n] ?? "" }} /> {named(category)} <b>{whole(sum)}</b>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
