/** Shares of categories as a treemap. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { withCity } from "../api/resources";
import type { Count } from "../api/types";
import { Panel } from "../components/panel";
import { afterMapDrawn, chartsFilter } from "../map/questions";
import { countQuestion, filterParams } from "../state/questions";
import { filters, toggleLabelValue } from "../state/view-state";
import { seriesColours } from "../util/colours";
import { formatInteger, labelText } from "../util/format";
import { dark } from "../util/theme";
import { hashHue } from "./category-hue";
import { Chart } from "./chart";
import { escapeChartText, unescapeChartText } from "./chart-text";

const answer = watchAnswer<Count[]>(
  afterMapDrawn(() =>
    countQuestion(["resource", "category"], withCity(filterParams(filters.value)), chartsFilter.value),
  ),
);

/** Areas with a readable label. */
const MAX_AREAS = 24;

const rows = computed(() => answer.value.rows ?? []);

const shares = computed(() => {
  const sums = new Map<string, number>();
  for (const row of rows.value) sums.set(row.category ?? "", (sums.get(row.category ?? "") ?? 0) + row.count);
  return [...sums].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
});

const sumCounts = (of: readonly [string, number][]) => of.reduce((sum, [, count]) => sum + count, 0);

const total = computed(() => sumCounts(shares.value));
const restCount = computed(() => sumCounts(shares.value.slice(MAX_AREAS)));
/** Whether the other categories are omitted, because they would fill most of the chart. */
const omitsRest = computed(() => restCount.value > total.value / 2);

const option = computed(() => {
  const all = shares.value;
  const own = seriesColours(dark.value);
  const areas = all.slice(0, MAX_AREAS).map(([category, value]) => ({
    name: escapeChartText(labelText(category)),
    value,
    itemStyle: { color: own[hashHue(category)] },
  }));
  return {
    tooltip: {
      trigger: "item",
      formatter: ({ name, value }: { name: string; value: number }) =>
        `${name}\n${formatInteger(value)} (${((100 * value) / Math.max(1, total.value)).toFixed(1)} %)`,
    },
    series: [
      {
        type: "treemap",
        // The global option does not apply to series of this type.
        animation: false,
        data:
          restCount.value > 0 && !omitsRest.value
            ? [
                ...areas,
                { name: `${all.length - MAX_AREAS} others`, value: restCount.value, itemStyle: { color: "#8b8790" } },
              ]
            : areas,
        left: 0,
        right: 0,
        top: 0,
        bottom: 0,
        roam: false,
        nodeClick: false,
        breadcrumb: { show: false },
        itemStyle: { gapWidth: 1, borderWidth: 0 },
        label: {
          fontSize: 11,
          overflow: "truncate",
          color: "#ffffff",
          textBorderColor: "#00000088",
          textBorderWidth: 2,
        },
      },
    ],
  };
});

/** The panel. */
export function CategoryShares() {
  const all = shares.value;
  const part = (count: number, digits: number) => ((100 * count) / total.value).toFixed(digits);
  return (
    <Panel
      title="Share of categories"
      note={
        omitsRest.value && `${formatInteger(all.length - MAX_AREAS)} others omitted (${part(restCount.value, 0)} %)`
      }
      answer={answer.value}
      empty={all.length === 0}
    >
      <Chart
        option={option.value}
        label={`Shares: ${all
          .slice(0, 8)
          .map(([category, count]) => `${labelText(category)} ${part(count, 1)} %`)
          .join(", ")}`}
        class="treemap"
        onClick={({ name }) => {
          const found = all.find(([category]) => labelText(category) === unescapeChartText(name));
          if (found) toggleLabelValue("category", found[0]);
        }}
      />
    </Panel>
  );
}
