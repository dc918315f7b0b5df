/** Shares of categories, as areas. */

import { computed } from "@preact/signals";
import { follow } from "../lake/answer";
import type { Count } from "../lake/types";
import { afterMap, asked, chartsView } from "../map/what";
import { named, whole } from "../parts/numbers";
import { Panel } from "../parts/panel";
import { counts, params } from "../state/questions";
import { filters, toggle } from "../state/view";
import { Chart } from "./chart";

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

const option = computed(() => {
  const all = shares.value;
  const total = sum(all);
  const rest = sum(all.slice(MOST));
  const areas = all.slice(0, MOST).map(([category, value]) => ({ name: named(category), value }));
  return {
    tooltip: {
      trigger: "item",
      formatter: ({ name, value }: { name: string; value: number }) =>
        `${name}\n${whole(value)} (${((100 * value) / Math.max(1, total)).toFixed(1)} %)`,
    },
    series: [
      {
        type: "treemap",
        data:
          rest > 0
            ? [...areas, { name: `${all.length - MOST} others`, value: rest, itemStyle: { color: "#8b8790" } }]
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
  const total = sum(all);
  return (
    <Panel title="Share of categories" known={answer.value} empty={all.length === 0}>
      <Chart
        option={option.value}
        label={`Shares: ${all
          .slice(0, 8)
          .map(([category, count]) => `${named(category)} ${((100 * count) / total).toFixed(1)} %`)
          .join(", ")}`}
        class="treemap"
        pick={({ name }) => {
          const found = all.find(([category]) => named(category) === name);
          if (found) toggle("category", found[0]);
        }}
      />
    </Panel>
  );
}
