/** Shares of categories, as areas. */

import { computed } from "@preact/signals";
import { follow } from "../api/answer";
import type { Count } from "../api/types";
import { Panel } from "../components/panel";
import { afterMap, asked, chartsView } from "../map/questions";
import { counts, params } from "../state/questions";
import { filters, toggle } from "../state/view-state";
import { hues } from "../util/colours";
import { named, whole } from "../util/format";
import { dark } from "../util/theme";
import { hueOf } from "./category-hue";
import { Chart } from "./chart";
import { chartText, plainText } from "./chart-text";

const answer = follow<Count[]>(
  afterMap(() => counts(["resource", "category"], asked(params(filters.value)), chartsView.value)),
);

/** Areas that can be read. */
const MOST = 24;

const rows = computed(() => answer.value.rows ?? []);

const shares = computed(() => {
  const sums = new Map<string, number>();
  for (const row of rows.value) sums.set(row.category ?? "", (sums.get(row.category ?? "") ?? 0) + row.count);
  return [...sums].filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
});

const sum = (of: readonly [string, number][]) => of.reduce((sum, [, count]) => sum + count, 0);

const total = computed(() => sum(shares.value));
const rest = computed(() => sum(shares.value.slice(MOST)));
/** What is too small to be read would fill the picture: it is said, and not drawn. */
const leftOut = computed(() => rest.value > total.value / 2);

const option = computed(() => {
  const all = shares.value;
  const own = hues(dark.value);
  const areas = all.slice(0, MOST).map(([category, value]) => ({
    name: chartText(named(category)),
    value,
    itemStyle: { color: own[hueOf(category)] },
  }));
  return {
    tooltip: {
      trigger: "item",
      formatter: ({ name, value }: { name: string; value: number }) =>
        `${name}\n${whole(value)} (${((100 * value) / Math.max(1, total.value)).toFixed(1)} %)`,
    },
    series: [
      {
        type: "treemap",
        // The option above does not reach it.
        animation: false,
        data:
          rest.value > 0 && !leftOut.value
            ? [...areas, { name: `${all.length - MOST} others`, value: rest.value, itemStyle: { color: "#8b8790" } }]
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
export function Share() {
  const all = shares.value;
  const part = (count: number, digits: number) => ((100 * count) / total.value).toFixed(digits);
  return (
    <Panel
      title="Share of categories"
      note={leftOut.value && `without ${whole(all.length - MOST)} (${part(rest.value, 0)} %)`}
      known={answer.value}
      empty={all.length === 0}
    >
      <Chart
        option={option.value}
        label={`Shares: ${all
          .slice(0, 8)
          .map(([category, count]) => `${named(category)} ${part(count, 1)} %`)
          .join(", ")}`}
        class="treemap"
        pick={({ name }) => {
          const found = all.find(([category]) => named(category) === plainText(name));
          if (found) toggle("category", found[0]);
        }}
      />
    </Panel>
  );
}
