/** Incidents by month and category, as lines. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { withCity } from "../api/resources";
import type { Count } from "../api/types";
import { Panel } from "../components/panel";
import { afterMapDrawn, chartsFilter } from "../map/questions";
import { countQuestion, filterParams } from "../state/questions";
import { filters, toggleLabelValue } from "../state/view-state";
import { addSteps } from "../time/calendar-steps";
import { buildTimeAxis } from "../time/time-axis";
import { fillSteps } from "../time/time-bars";
import { dataRange, selectedWindow } from "../time/time-range";
import { seriesColours } from "../util/colours";
import { formatInteger, labelText } from "../util/format";
import { dark } from "../util/theme";
import { assignHues } from "./category-hue";
import { Chart } from "./chart";
import { escapeChartText, unescapeChartText } from "./chart-text";

const answer = watchAnswer<Count[]>(
  afterMapDrawn(() => {
    const more = [["time_precision", "1mo"] as const, ["dated", "true"] as const, ...chartsFilter.value];
    return countQuestion(["time", "category"], withCity(filterParams(filters.value)), more);
  }),
);

/** Lines that can be distinguished. */
const MAX_LINES = 6;

const rows = computed(() => answer.value.rows ?? []);

const lines = computed(() => {
  const sums = new Map<string, number>();
  for (const row of rows.value) sums.set(row.category ?? "", (sums.get(row.category ?? "") ?? 0) + row.count);
  const top = [...sums].sort((a, b) => b[1] - a[1]).slice(0, MAX_LINES);
  return top.map(([category, sum]) => {
    const own = rows.value.filter(row => (row.category ?? "") === category);
    const points = fillSteps(own, selectedWindow.value ?? dataRange.value, "month");
    const first = points.findIndex(([, count]) => count > 0);
    // The line of a category starts at the zero before its first incident.
    return { category, sum, points: points.slice(Math.max(0, first - 1)) };
  });
});

const colours = computed(() => {
  const all = seriesColours(dark.value);
  const of = assignHues(lines.value.map(({ category }) => category));
  return new Map([...of].map(([category, hue]) => [category, all[hue] ?? ""]));
});

const option = computed(() => {
  const from = Math.min(...lines.value.map(({ points }) => points[0]?.[0] ?? Number.POSITIVE_INFINITY));
  const to = Math.max(...lines.value.map(({ points }) => points.at(-1)?.[0] ?? 0));
  return {
    grid: { left: 40, right: 8, top: 8, bottom: 22 },
    xAxis: buildTimeAxis(Math.min(from, to), to > from ? to : addSteps(to, "month"), "month"),
    yAxis: { type: "value", splitNumber: 3, minInterval: 1 },
    series: lines.value.map(({ category, points }) => ({
      name: escapeChartText(labelText(category)),
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
export function CategoryLines() {
  const shown = lines.value;
  return (
    <Panel
      title="Months by category"
      note={shown.length > 1 && `top ${shown.length}`}
      answer={answer.value}
      empty={shown.length === 0}
    >
      <Chart
        option={option.value}
        label={`Incidents by month: ${shown.map(({ category, sum }) => `${labelText(category)} ${formatInteger(sum)}`).join(", ")}`}
        class="lines"
        onClick={({ seriesName }) => {
          const found = shown.find(({ category }) => labelText(category) === unescapeChartText(seriesName ?? ""));
          if (found) toggleLabelValue("category", found.category);
        }}
      />
      <ul class="line-legend">
        {shown.map(({ category, sum }) => (
          <li key={category}>
            <button
              type="button"
              aria-pressed={filters.value.labels.category.includes(category)}
              onClick={() => toggleLabelValue("category", category)}
            >
              <i style={{ background: colours.value.get(category) ?? "" }} /> {labelText(category)}{" "}
              <b>{formatInteger(sum)}</b>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
