/** The details of a cell: categories, months and latest incidents. */

import { computed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { watchAnswer } from "../api/answer";
import type { FilterParams, Params } from "../api/client";
import { withCity } from "../api/resources";
import type { Count, Incident } from "../api/types";
import { CopyMenu } from "../components/copy-menu";
import { Icon } from "../components/icon";
import { ErrorMessage, Panel } from "../components/panel";
import { DEBOUNCE_MS } from "../map/questions";
import { countQuestion, filterParams, whileMapShown } from "../state/questions";
import { filters, selectedCell } from "../state/view-state";
import { addSteps } from "../time/calendar-steps";
import { buildTimeAxis } from "../time/time-axis";
import { buildBarSeries, buildBarTooltip, fillSteps } from "../time/time-bars";
import { dataRange, selectedWindow } from "../time/time-range";
import { formatCompact, formatInteger, formatTime, incidentNoun, labelText } from "../util/format";
import { Chart } from "./chart";

const cellParams = computed((): FilterParams | null => (selectedCell.value ? [["cell", selectedCell.value]] : null));
const question = (by: string, more: Params<"aggregates"> = []) =>
  whileMapShown(() =>
    cellParams.value
      ? countQuestion([by], withCity(filterParams(filters.value)), [...cellParams.value, ...more])
      : null,
  );

const categoriesAnswer = watchAnswer<Count[]>(question("category"), DEBOUNCE_MS);
const monthsAnswer = watchAnswer<Count[]>(
  question("time", [
    ["time_precision", "1mo"],
    ["dated", "true"],
  ]),
  DEBOUNCE_MS,
);
const latestAnswer = watchAnswer<Incident[]>(
  whileMapShown(() =>
    cellParams.value
      ? {
          path: "incidents",
          params: [...withCity(filterParams(filters.value)), ...cellParams.value, ["limit", "20"]],
        }
      : null,
  ),
  DEBOUNCE_MS,
);

const MAX_CATEGORIES = 8;

const points = computed(() =>
  fillSteps(monthsAnswer.value.rows ?? [], selectedWindow.value ?? dataRange.value, "month"),
);
const option = computed(() => ({
  grid: { left: 34, right: 6, top: 6, bottom: 20 },
  // Whole months, like the bars.
  xAxis: buildTimeAxis(points.value[0]?.[0] ?? 0, addSteps(points.value.at(-1)?.[0] ?? 0, "month"), "month"),
  yAxis: { type: "value", splitNumber: 2, minInterval: 1 },
  tooltip: buildBarTooltip("month"),
  series: [buildBarSeries(points.value, "month")],
}));

/** The panel. */
export function CellDetails({ cell: index }: { cell: string }) {
  const panel = useRef<HTMLElement>(null);
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), [index]);
  const rows = [...(categoriesAnswer.value.rows ?? [])].sort((a, b) => b.count - a.count);
  const total = rows.reduce((sum, row) => sum + row.count, 0);
  const most = Math.max(1, ...rows.map(row => row.count));
  return (
    <section ref={panel} class="panel cell-details" aria-label="Cell" data-testid="cell">
      <header>
        <h2>Cell</h2>
        <code class="note">{index}</code>
        {categoriesAnswer.value.question && (
          <CopyMenu title="Cell by category" question={categoriesAnswer.value.question} />
        )}
        <button
          type="button"
          class="plain"
          aria-label="Close the cell"
          onClick={() => {
            selectedCell.value = null;
          }}
        >
          <Icon name="close" />
        </button>
      </header>
      {categoriesAnswer.value.problem ? (
        <ErrorMessage problem={categoriesAnswer.value.problem} />
      ) : (
        <p>
          <strong data-testid="cell-total">{formatInteger(total)}</strong> {incidentNoun(total)} match the filters
        </p>
      )}
      {points.value.length > 1 && (
        <Chart
          option={option.value}
          label={`Incidents of the cell by month, ${points.value.length} months`}
          class="months"
        />
      )}
      <ul class="facets-list">
        {rows.slice(0, MAX_CATEGORIES).map(row => (
          <li key={row.category ?? ""} class="facet">
            <i style={{ width: `${(100 * row.count) / most}%` }} />
            <span>{labelText(row.category)}</span>
            <b>{formatCompact(row.count)}</b>
          </li>
        ))}
      </ul>
      {rows.length > MAX_CATEGORIES && <small>And {rows.length - MAX_CATEGORIES} more categories</small>}
      <Panel
        title="Latest incidents"
        answer={latestAnswer.value}
        empty={(latestAnswer.value.rows ?? []).length === 0}
        class="inner"
      >
        <ul class="latest">
          {(latestAnswer.value.rows ?? []).map(incident => (
            <li key={`${incident.resource} ${incident.id}`}>
              <time>{formatTime(incident.occurred_at ?? null)}</time>
              <span>
                {labelText(incident.category)}
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
