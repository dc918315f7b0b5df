/** Months by category, as lines. */

import { computed } from "@preact/signals";
import { follow } from "../api/answer";
import type { Count } from "../api/types";
import { Panel } from "../components/panel";
import { afterMap, asked, chartsView } from "../map/questions";
import { counts, params } from "../state/questions";
import { filters, toggle } from "../state/view-state";
import { next } from "../time/calendar-steps";
import { timeAxis } from "../time/time-axis";
import { filled } from "../time/time-bars";
import { chosen, span } from "../time/time-range";
import { hues } from "../util/colours";
import { named, whole } from "../util/format";
import { dark } from "../util/theme";
import { apart } from "./category-hue";
import { Chart } from "./chart";
import { chartText, plainText } from "./chart-text";

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
    const points = filled(own, chosen.value ?? span.value, "month");
    const first = points.findIndex(([, count]) => count > 0);
    // A category that came later has no line before, but that it rises from none is seen.
    return { category, sum, points: points.slice(Math.max(0, first - 1)) };
  });
});

const colours = computed(() => {
  const all = hues(dark.value);
  const of = apart(lines.value.map(({ category }) => category));
  return new Map([...of].map(([category, hue]) => [category, all[hue] ?? ""]));
});

const option = computed(() => {
  const from = Math.min(...lines.value.map(({ points }) => points[0]?.[0] ?? Number.POSITIVE_INFINITY));
  const to = Math.max(...lines.value.map(({ points }) => points.at(-1)?.[0] ?? 0));
  return {
    grid: { left: 40, right: 8, top: 8, bottom: 22 },
    xAxis: timeAxis(Math.min(from, to), to > from ? to : next(to, "month"), "month"),
    yAxis: { type: "value", splitNumber: 3, minInterval: 1 },
    series: lines.value.map(({ category, points }) => ({
      name: chartText(named(category)),
      type: "line",
      data: points,
      color: colours.value.get(category),
      showSymbol: points.length < 3,
      lineStyle: { width: 1.8 },
      triggerLineEvent: true,
    })),
  };
});

/** The panel. */
export function Categories() {
  const shown = lines.value;
  return (
    <Panel
      title="Months by category"
      note={shown.length > 1 && `top ${shown.length}`}
      known={answer.value}
      empty={shown.length === 0}
    >
      <Chart
        option={option.value}
        label={`Incidents by month: ${shown.map(({ category, sum }) => `${named(category)} ${whole(sum)}`).join(", ")}`}
        class="lines"
        pick={({ seriesName }) => {
          const found = shown.find(({ category }) => named(category) === plainText(seriesName ?? ""));
          if (found) toggle("category", found.category);
        }}
      />
      <ul class="keys">
        {shown.map(({ category, sum }) => (
          <li key={category}>
            <button
              type="button"
              aria-pressed={filters.value.labels.category.includes(category)}
              onClick={() => toggle("category", category)}
            >
              <i style={{ background: colours.value.get(category) ?? "" }} /> {named(category)} <b>{whole(sum)}</b>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
