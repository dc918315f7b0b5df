/** One cell: what happened in it, when, and the latest of it. */

import { computed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { follow } from "../api/answer";
import type { Count, Incident } from "../api/types";
import { CopyMenu } from "../components/copy-menu";
import { Icon } from "../components/icon";
import { Failure, Panel } from "../components/panel";
import { asked, onMap, WAIT_MS } from "../map/questions";
import { counts, params } from "../state/questions";
import { cell, filters } from "../state/view-state";
import { next } from "../time/calendar-steps";
import { timeAxis } from "../time/time-axis";
import { barSeries, barTooltip, filled } from "../time/time-bars";
import { chosen, span } from "../time/time-range";
import { clock, incidents, named, short, whole } from "../util/format";
import { Chart } from "./chart";

const here = computed((): [string, string][] | null => (cell.value ? [["cell", cell.value]] : null));
const question = (by: string, more: [string, string][] = []) =>
  onMap(() => (here.value ? counts([by], asked(params(filters.value)), [...here.value, ...more]) : null));

const kinds = follow<Count[]>(question("category"), WAIT_MS);
const months = follow<Count[]>(
  question("time", [
    ["time_precision", "1mo"],
    ["dated", "true"],
  ]),
  WAIT_MS,
);
const latest = follow<Incident[]>(
  onMap(() =>
    here.value
      ? {
          path: "incidents",
          params: [...asked(params(filters.value)), ...here.value, ["limit", "20"] as [string, string]],
        }
      : null,
  ),
  WAIT_MS,
);

const TOP = 8;

const points = computed(() => filled(months.value.rows ?? [], chosen.value ?? span.value, "month"));
const option = computed(() => ({
  grid: { left: 34, right: 6, top: 6, bottom: 20 },
  // Whole months, as the bars are.
  xAxis: timeAxis(points.value[0]?.[0] ?? 0, next(points.value.at(-1)?.[0] ?? 0, "month"), "month"),
  yAxis: { type: "value", splitNumber: 2, minInterval: 1 },
  tooltip: barTooltip("month"),
  series: [barSeries(points.value, "month")],
}));

/** The panel. */
export function CellDetails({ cell: index }: { cell: string }) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), [index]);
  const rows = [...(kinds.value.rows ?? [])].sort((a, b) => b.count - a.count);
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  const most = Math.max(1, ...rows.map(row => row.count));
  return (
    <section ref={panel} class="panel cell-details" aria-label="The chosen cell" data-testid="cell">
      <header>
        <h2>Cell</h2>
        <code class="note">{index}</code>
        {kinds.value.of && <CopyMenu title="Cell by category" question={kinds.value.of} />}
        <button
          type="button"
          class="plain"
          aria-label="Close the cell"
          onClick={() => {
            cell.value = null;
          }}
        >
          <Icon name="close" />
        </button>
      </header>
      {kinds.value.problem ? (
        <Failure problem={kinds.value.problem} />
      ) : (
        <p>
          <strong data-testid="cell-total">{whole(total)}</strong> {incidents(total)} with these filters
        </p>
      )}
      {points.value.length > 1 && (
        <Chart option={option.value} label={`Incidents of the cell in ${points.value.length} months`} class="months" />
      )}
      <ul class="facets-list">
        {rows.slice(0, TOP).map(row => (
          <li key={row.category ?? ""} class="facet">
            <i style={{ width: `${(100 * row.count) / most}%` }} />
            <span>{named(row.category)}</span>
            <b>{short(row.count)}</b>
          </li>
        ))}
      </ul>
      {rows.length > TOP && <small>and {rows.length - TOP} more categories</small>}
      <Panel title="Latest incidents" known={latest.value} empty={(latest.value.rows ?? []).length === 0} class="inner">
        <ul class="latest">
          {(latest.value.rows ?? []).map(incident => (
            <li key={`${incident.resource} ${incident.id}`}>
              <time>{clock(incident.occurred_at)}</time>
              <span>
                {named(incident.category)}
                {incident.subcategory && <small> {incident.subcategory}</small>}
              </span>
              {incident.status && <em>{incident.status}</em>}
            </li>
          ))}
        </ul>
      </Panel>
    </section>
  );
}
