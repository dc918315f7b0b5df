/** Options for ECharts. Tooltips are drawn on the canvas: HTML ones need inline styles. */

import type { EChartsCoreOption } from "echarts/core";
import { escapeChartText } from "../charts/chart-text";
import { sequentialColours } from "../map/colour-scale";
import { cssColour, seriesColours } from "../util/colours";
import { formatCompact, formatInteger } from "../util/format";
import { dark } from "../util/theme";
import type { ChartShape } from "./chart-shape";
import { formatTimeValue, toLineSeries, toNumber } from "./line-series";
import type { Row } from "./row";

const MAX_BARS = 12;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Builds the options of a chart on a canvas of this width. */
export function buildChartOption(shape: ChartShape, rows: readonly Row[], width: number): EChartsCoreOption {
  const [soft, faint] = [cssColour("soft"), cssColour("faint")];
  const axis = {
    axisLine: { lineStyle: { color: faint } },
    axisTick: { show: false },
    axisLabel: { color: soft },
    splitLine: { lineStyle: { color: faint } },
  };
  const counted = { ...axis, type: "value", axisLabel: { color: soft, formatter: (n: number) => formatCompact(n) } };
  const drawn =
    shape.kind === "line"
      ? buildLineOption(shape, rows, axis, counted)
      : shape.kind === "bars"
        ? buildBarOption(shape, rows, axis, counted, width)
        : buildWeekOption(shape, rows, axis);
  return { animation: false, textStyle: { fontFamily: "system-ui, sans-serif" }, ...drawn };
}

const buildTooltip = () => ({
  renderMode: "richText",
  confine: true,
  backgroundColor: cssColour("raised"),
  borderColor: cssColour("line"),
  textStyle: { color: cssColour("ink") },
  valueFormatter: (value: unknown) => (typeof value === "number" ? formatInteger(value) : "none"),
});

function buildLineOption(shape: ChartShape & { kind: "line" }, rows: readonly Row[], axis: object, counted: object) {
  const { times, lines } = toLineSeries(shape, rows);
  const shortest = times.every(at => /-01$/.test(at)) ? times.map(at => at.slice(0, 7)) : times;
  return {
    color: seriesColours(dark.peek()),
    grid: { left: 52, right: 16, top: lines.length > 1 ? 36 : 14, bottom: 28 },
    legend:
      lines.length > 1
        ? {
            type: "scroll",
            top: 0,
            icon: "circle",
            itemWidth: 10,
            itemHeight: 10,
            textStyle: { color: cssColour("soft") },
          }
        : undefined,
    tooltip: { ...buildTooltip(), trigger: "axis", order: "valueDesc" },
    xAxis: { ...axis, type: "category", data: shortest.map(escapeChartText), boundaryGap: false },
    yAxis: counted,
    series: lines.map(({ name, values }) => ({
      type: "line",
      name: escapeChartText(name),
      data: values,
      // Few points have no visible line between them.
      showSymbol: values.filter(value => value !== null).length < 3,
      connectNulls: false,
      lineStyle: { width: 2 },
    })),
  };
}

function buildBarOption(
  shape: ChartShape & { kind: "bars" },
  rows: readonly Row[],
  axis: object,
  counted: object,
  width: number,
) {
  const first = rows.slice(0, MAX_BARS);
  return {
    color: [cssColour("accent")],
    grid: { left: Math.min(190, Math.round(width * 0.34)), right: 54, top: 6, bottom: 24 },
    tooltip: { ...buildTooltip(), trigger: "axis", axisPointer: { type: "shadow" } },
    xAxis: counted,
    yAxis: {
      ...axis,
      type: "category",
      inverse: true,
      data: first.map(row => escapeChartText(formatTimeValue(row.get(shape.x)))),
      axisLabel: { color: cssColour("soft"), width: Math.min(180, Math.round(width * 0.32)), overflow: "truncate" },
    },
    series: [
      {
        type: "bar",
        name: escapeChartText(shape.y),
        data: first.map(row => toNumber(row.get(shape.y))),
        barMaxWidth: 16,
        itemStyle: { borderRadius: [0, 3, 3, 0] },
        label: {
          show: true,
          position: "right",
          color: cssColour("soft"),
          formatter: ({ value }: { value: number }) => formatCompact(value),
        },
      },
    ],
  };
}

function buildWeekOption(shape: ChartShape & { kind: "week" }, rows: readonly Row[], axis: object) {
  const sums = new Map<string, number>();
  for (const row of rows) {
    const at = `${toNumber(row.get("hour"))} ${toNumber(row.get("weekday")) - 1}`;
    sums.set(at, (sums.get(at) ?? 0) + toNumber(row.get(shape.y)));
  }
  const data = [...sums].map(([at, n]) => [...at.split(" ").map(Number), n]);
  return {
    grid: { left: 44, right: 12, top: 6, bottom: 56 },
    tooltip: {
      ...buildTooltip(),
      formatter: ({ value }: { value: [number, number, number] }) =>
        `${DAYS[value[1]]} ${String(value[0]).padStart(2, "0")}:00  ${formatInteger(value[2])}`,
    },
    xAxis: { ...axis, type: "category", data: Array.from({ length: 24 }, (_, hour) => hour) },
    yAxis: { ...axis, type: "category", data: DAYS, inverse: true },
    visualMap: {
      min: 0,
      max: Math.max(1, ...sums.values()),
      orient: "horizontal",
      left: "center",
      bottom: 0,
      itemHeight: 140,
      itemWidth: 12,
      text: ["more", "fewer"],
      textStyle: { color: cssColour("soft") },
      inRange: { color: sequentialColours(dark.peek()) },
    },
    series: [{ type: "heatmap", data, itemStyle: { borderColor: cssColour("paper"), borderWidth: 1 } }],
  };
}
