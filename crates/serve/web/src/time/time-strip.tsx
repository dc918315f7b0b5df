/** The time strip under the map: a histogram with the window over it. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { withCity } from "../api/resources";
import type { Count } from "../api/types";
import { Chart } from "../charts/chart";
import { CopyMenu } from "../components/copy-menu";
import { Icon } from "../components/icon";
import { ErrorMessage } from "../components/panel";
import { afterMapDrawn, chartsFilter } from "../map/questions";
import { countQuestion, filterParams, withWindow } from "../state/questions";
import { comparisonWindow, filters, histogramWindow, mode, type OpenWindow, setFilters } from "../state/view-state";
import { formatInteger, formatTime, formatWallClock, parseMillis } from "../util/format";
import { chooseStep, TIME_PRECISION } from "./calendar-steps";
import { PlaybackControls } from "./playback";
import { buildTimeAxis } from "./time-axis";
import { buildBarSeries, buildBarTooltip, fillSteps } from "./time-bars";
import { dataRange, histogramRange, selectedWindow } from "./time-range";
import { WindowBrush } from "./window-brush";

const step = computed(() => {
  const all = histogramRange.value;
  return all ? chooseStep(parseMillis(all.end) - parseMillis(all.start)) : "day";
});

const barsAnswer = watchAnswer<Count[]>(
  afterMapDrawn(() => {
    const all = histogramRange.value;
    if (!all) return null;
    const params = filterParams(withWindow(filters.value, all));
    return countQuestion(["time"], withCity(params), [
      ["time_precision", TIME_PRECISION[step.value]],
      ...chartsFilter.value,
    ]);
  }),
);

const points = computed(() =>
  fillSteps(barsAnswer.value.rows ?? [], barsAnswer.value.rows && histogramRange.value, step.value),
);

const option = computed(() => ({
  // The plot is as wide as the brush over it.
  grid: { left: 0, right: 0, top: 6, bottom: 20, outerBoundsMode: "none" },
  // The same range as the brush.
  xAxis:
    histogramRange.value &&
    buildTimeAxis(parseMillis(histogramRange.value.start), parseMillis(histogramRange.value.end), step.value),
  yAxis: { type: "value", show: false },
  tooltip: buildBarTooltip(step.value),
  series: [buildBarSeries(points.value, step.value)],
}));

function Histogram() {
  return (
    <Chart option={option.value} label={`Incidents by ${step.value}, ${points.value.length} bars`} class="histogram" />
  );
}

/** Removes the window; a comparison gets the range of the data instead. */
const clearWindow = () => setFilters({ window: mode.peek() === "compare" ? dataRange.peek() : null });

function WindowFields() {
  const window = filters.value.window;
  const all = dataRange.value;
  const dates = selectedWindow.value ?? all;
  const put = (edge: "start" | "end", value: string) => {
    const current = window ?? all;
    if (!current || value === "") return false;
    const changed = { ...current, [edge]: value };
    const valid = changed.start === null || changed.end === null || changed.start < changed.end;
    if (valid) setFilters({ window: changed });
    return valid;
  };
  const input = (edge: "start" | "end", label: string) => (
    <label>
      <span class="hidden">{label}</span>
      <input
        type="date"
        title={label}
        value={dates?.[edge].slice(0, 10) ?? ""}
        onChange={event => {
          const valid = put(edge, event.currentTarget.value);
          // A date that is rejected does not stay in the field.
          if (!valid) event.currentTarget.value = dates?.[edge].slice(0, 10) ?? "";
        }}
      />
    </label>
  );
  const last = (days: number, label: string) => (
    <button
      type="button"
      class="plain"
      disabled={!all}
      onClick={() => {
        if (all)
          setFilters({ window: { start: formatWallClock(parseMillis(all.end) - days * 86_400_000), end: all.end } });
      }}
    >
      {label}
    </button>
  );
  return (
    <div class="dates">
      {input("start", "From")}
      <span aria-hidden="true">–</span>
      {input("end", "To (exclusive)")}
      {last(7, "7 d")}
      {last(30, "30 d")}
      {last(365, "1 y")}
      <button type="button" class="plain" disabled={!window} onClick={() => clearWindow()}>
        All time
      </button>
    </div>
  );
}

function ComparisonFields() {
  const window = selectedWindow.value;
  const other = comparisonWindow.value;
  if (mode.value !== "compare") return null;
  const date = (edge: "start" | "end", label: string) => (
    <input
      type="date"
      aria-label={label}
      value={other?.[edge].slice(0, 10) ?? ""}
      onChange={event => {
        const value = event.currentTarget.value;
        const changed = { start: other?.start ?? value, end: other?.end ?? value, [edge]: value };
        if (changed.start < changed.end) comparisonWindow.value = changed;
      }}
    />
  );
  const shift = (years: number) => {
    if (!window) return;
    // 29 February of a year without one is 1 March.
    const move = (text: string) => {
      const date = new Date(parseMillis(text));
      date.setUTCFullYear(date.getUTCFullYear() - years);
      return formatWallClock(date.getTime());
    };
    comparisonWindow.value = { start: move(window.start), end: move(window.end) };
  };
  return (
    <div class="dates comparison">
      <b class="b">B</b> {date("start", "B from")} <span aria-hidden="true">–</span> {date("end", "B to (exclusive)")}
      <button type="button" class="plain" disabled={!window} onClick={() => shift(1)}>
        Previous year
      </button>
    </div>
  );
}

/** Describes a window. */
function describeWindow(window: OpenWindow | null): string {
  const { start, end } = window ?? { start: null, end: null };
  if (start !== null && end !== null) return `${formatTime(start)} – ${formatTime(end)}`;
  return start !== null ? `from ${formatTime(start)}` : end !== null ? `until ${formatTime(end)}` : "";
}

/** The time strip. */
export function TimeStrip() {
  const range = histogramRange.value;
  const window = selectedWindow.value;
  const text = describeWindow(filters.value.window);
  return (
    <section class="time-strip" aria-label="Time">
      <header>
        <PlaybackControls />
        <WindowFields />
        <ComparisonFields />
        {/* Whole days are in the fields already. */}
        <span class={text.length === "2024-01-01 – 2025-01-01".length ? "hidden" : "note"} data-testid="window">
          {text}
        </span>
        {window && (
          <button
            type="button"
            class="plain"
            title="Zoom the histogram to the window"
            aria-label="Zoom the histogram to the window"
            onClick={() => {
              histogramWindow.value = window;
            }}
          >
            <Icon name="zoomIn" />
          </button>
        )}
        {histogramWindow.value && (
          <button
            type="button"
            class="plain"
            title="Show All time in the histogram"
            aria-label="Show all time in the histogram"
            onClick={() => {
              histogramWindow.value = null;
            }}
          >
            <Icon name="zoomOut" />
          </button>
        )}
        {barsAnswer.value.question && <CopyMenu title="Incidents over time" question={barsAnswer.value.question} />}
      </header>
      {barsAnswer.value.problem && <ErrorMessage problem={barsAnswer.value.problem} />}
      {range && (
        <div class="histogram-frame">
          <Histogram />
          <WindowBrush
            shown={range}
            window={window}
            other={mode.value === "compare" ? comparisonWindow.value : null}
            step={step.value}
            change={next => (next ? setFilters({ window: next }) : clearWindow())}
          />
          <p class="hidden" data-testid="bars-sum">
            {formatInteger(points.value.reduce((sum, [, count]) => sum + count, 0))}
          </p>
        </div>
      )}
    </section>
  );
}
