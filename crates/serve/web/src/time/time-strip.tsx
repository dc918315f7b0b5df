/** Time under the map: when, as a histogram with the window over it. */

import { computed } from "@preact/signals";
import { follow } from "../api/answer";
import type { Count } from "../api/types";
import { Chart } from "../charts/chart";
import { CopyMenu } from "../components/copy-menu";
import { Icon } from "../components/icon";
import { Failure } from "../components/panel";
import { afterMap, asked, chartsView } from "../map/questions";
import { counts, during, params } from "../state/questions";
import { comparedTo, filters, histogram, mode, narrow, type Span } from "../state/view-state";
import { clock, millis, wallClock, whole } from "../util/format";
import { PRECISION, stepFor } from "./calendar-steps";
import { Play } from "./playback";
import { timeAxis } from "./time-axis";
import { barSeries, barTooltip, filled } from "./time-bars";
import { chosen, shown, span } from "./time-range";
import { Brush } from "./window-brush";

const step = computed(() => {
  const all = shown.value;
  return all ? stepFor(millis(all.end) - millis(all.start)) : "day";
});

const bars = follow<Count[]>(
  afterMap(() => {
    const all = shown.value;
    if (!all) return null;
    const given = params(during(filters.value, all));
    return counts(["time"], asked(given), [["time_precision", PRECISION[step.value]], ...chartsView.value]);
  }),
);

const points = computed(() => filled(bars.value.rows ?? [], bars.value.rows && shown.value, step.value));

const option = computed(() => ({
  // The plot is as wide as the brush over it: labels at its ends take no room from it.
  grid: { left: 0, right: 0, top: 6, bottom: 20, outerBoundsMode: "none" },
  // The axis is the brush's.
  xAxis: shown.value && timeAxis(millis(shown.value.start), millis(shown.value.end), step.value),
  yAxis: { type: "value", show: false },
  tooltip: barTooltip(step.value),
  series: [barSeries(points.value, step.value)],
}));

function Histogram() {
  return (
    <Chart option={option.value} label={`Incidents by ${step.value}, ${points.value.length} bars`} class="histogram" />
  );
}

/** All of time; in a comparison as a window, for nothing is compared with no end. */
const anyTime = () => narrow({ window: mode.peek() === "compare" ? span.peek() : null });

function Dates() {
  const window = filters.value.window;
  const all = span.value;
  const dates = chosen.value ?? all;
  const put = (edge: "start" | "end", value: string) => {
    const was = window ?? all;
    if (!was || value === "") return false;
    const changed = { ...was, [edge]: value };
    const taken = changed.start === null || changed.end === null || changed.start < changed.end;
    if (taken) narrow({ window: changed });
    return taken;
  };
  const input = (edge: "start" | "end", label: string) => (
    <label>
      <span class="hidden">{label}</span>
      <input
        type="date"
        title={label}
        value={dates?.[edge].slice(0, 10) ?? ""}
        onChange={event => {
          const taken = put(edge, event.currentTarget.value);
          // What is not taken does not stay on screen as if it were.
          if (!taken) event.currentTarget.value = dates?.[edge].slice(0, 10) ?? "";
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
        if (all) narrow({ window: { start: wallClock(millis(all.end) - days * 86_400_000), end: all.end } });
      }}
    >
      {label}
    </button>
  );
  return (
    <div class="dates">
      {input("start", "From")}
      <span aria-hidden="true">–</span>
      {input("end", "Until, not itself")}
      {last(7, "7 d")}
      {last(30, "30 d")}
      {last(365, "1 y")}
      <button type="button" class="plain" disabled={!window} onClick={() => anyTime()}>
        all time
      </button>
    </div>
  );
}

function Comparison() {
  const window = chosen.value;
  const other = comparedTo.value;
  if (mode.value !== "compare") return null;
  const date = (edge: "start" | "end", label: string) => (
    <input
      type="date"
      aria-label={label}
      value={other?.[edge].slice(0, 10) ?? ""}
      onChange={event => {
        const value = event.currentTarget.value;
        const changed = { start: other?.start ?? value, end: other?.end ?? value, [edge]: value };
        if (changed.start < changed.end) comparedTo.value = changed;
      }}
    />
  );
  const shift = (years: number) => {
    if (!window) return;
    // The 29th of February of another year is the 1st of March.
    const move = (text: string) => {
      const date = new Date(millis(text));
      date.setUTCFullYear(date.getUTCFullYear() - years);
      return wallClock(date.getTime());
    };
    comparedTo.value = { start: move(window.start), end: move(window.end) };
  };
  return (
    <div class="dates versus">
      <b class="b">B</b> {date("start", "B from")} <span aria-hidden="true">–</span>{" "}
      {date("end", "B until, not itself")}
      <button type="button" class="plain" disabled={!window} onClick={() => shift(1)}>
        a year before
      </button>
    </div>
  );
}

/** A window in words. */
function said(window: Span | null): string {
  const { start, end } = window ?? { start: null, end: null };
  if (start !== null && end !== null) return `${clock(start)} – ${clock(end)}`;
  return start !== null ? `from ${clock(start)}` : end !== null ? `until ${clock(end)}` : "";
}

/** The strip under the map. */
export function TimeStrip() {
  const of = shown.value;
  const window = chosen.value;
  const text = said(filters.value.window);
  return (
    <section class="time-strip" aria-label="Time">
      <header>
        <Play />
        <Dates />
        <Comparison />
        {/* The dates above say it where the window is of whole days. */}
        <span class={text.length === "2024-01-01 – 2025-01-01".length ? "hidden" : "note"} data-testid="window">
          {text}
        </span>
        {window && (
          <button
            type="button"
            class="plain"
            title="Show only this in the histogram"
            aria-label="Zoom the histogram to the window"
            onClick={() => {
              histogram.value = window;
            }}
          >
            <Icon name="zoomIn" />
          </button>
        )}
        {histogram.value && (
          <button
            type="button"
            class="plain"
            title="Show all time in the histogram"
            aria-label="Zoom the histogram out"
            onClick={() => {
              histogram.value = null;
            }}
          >
            <Icon name="zoomOut" />
          </button>
        )}
        {bars.value.of && <CopyMenu title="Incidents over time" question={bars.value.of} />}
      </header>
      {bars.value.problem && <Failure problem={bars.value.problem} />}
      {of && (
        <div class="histogram-frame">
          <Histogram />
          <Brush
            shown={of}
            window={window}
            other={mode.value === "compare" ? comparedTo.value : null}
            step={step.value}
            change={made => (made ? narrow({ window: made }) : anyTime())}
          />
          <p class="hidden" data-testid="bars-sum">
            {whole(points.value.reduce((sum, [, count]) => sum + count, 0))}
          </p>
        </div>
      )}
    </section>
  );
}
