/** What ECharts is told to draw. Tooltips are drawn too: HTML ones would need inline styles. */

import type { EChartsCoreOption } from "echarts/core";
import { chartText } from "../charts/chart-text";
import { steps } from "../map/colour-scale";
import { colour, hues } from "../util/colours";
import { short, whole } from "../util/format";
import { dark } from "../util/theme";
import type { Shape } from "./chart-shape";
import { linesOf, number, time } from "./line-series";
import type { Row } from "./result";

const BARS = 12;
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** The option for a shape on a canvas of this width. */
export function optionOf(shape: Shape, rows: readonly Row[], width: number): EChartsCoreOption {
  const [soft, faint] = [colour("soft"), colour("faint")];
  const axis = {
    axisLine: { lineStyle: { color: faint } },
    axisTick: { show: false },
    axisLabel: { color: soft },
    splitLine: { lineStyle: { color: faint } },
  };
  const counted = { ...axis, type: "value", axisLabel: { color: soft, formatter: (n: number) => short(n) } };
  const drawn =
    shape.kind === "line"
      ? overTime(shape, rows, axis, counted)
      : shape.kind === "bars"
        ? bars(shape, rows, axis, counted, width)
        : week(shape, rows, axis);
  return { animation: false, textStyle: { fontFamily: "system-ui, sans-serif" }, ...drawn };
}

const tooltip = () => ({
  renderMode: "richText",
  confine: true,
  backgroundColor: colour("raised"),
  borderColor: colour("line"),
  textStyle: { color: colour("ink") },
  valueFormatter: (value: unknown) => (typeof value === "number" ? whole(value) : "none"),
});

function overTime(shape: Shape & { kind: "line" }, rows: readonly Row[], axis: object, counted: object) {
  const { times, lines } = linesOf(shape, rows);
  const shortest = times.every(at => /-01$/.test(at)) ? times.map(at => at.slice(0, 7)) : times;
  return {
    color: hues(dark.peek()),
    grid: { left: 52, right: 16, top: lines.length > 1 ? 36 : 14, bottom: 28 },
    legend:
      lines.length > 1
        ? {
            type: "scroll",
            top: 0,
            icon: "circle",
            itemWidth: 10,
            itemHeight: 10,
            textStyle: { color: colour("soft") },
          }
        : undefined,
    tooltip: { ...tooltip(), trigger: "axis", order: "valueDesc" },
    xAxis: { ...axis, type: "category", data: shortest.map(chartText), boundaryGap: false },
    yAxis: counted,
    series: lines.map(({ name, values }) => ({
      type: "line",
      name: chartText(name),
      data: values,
      // So few have no line between them that could be seen.
      showSymbol: values.filter(value => value !== null).length < 3,
      connectNulls: false,
      lineStyle: { width: 2 },
    })),
  };
}

function bars(shape: Shape & { kind: "bars" }, rows: readonly Row[], axis: object, counted: object, width: number) {
  const first = rows.slice(0, BARS);
  return {
    color: [colour("accent")],
    grid: { left: Math.min(190, Math.round(width * 0.34)), right: 54, top: 6, bottom: 24 },
    tooltip: { ...tooltip(), trigger: "axis", axisPointer: { type: "shadow" } },
    xAxis: counted,
    yAxis: {
      ...axis,
      type: "category",
      inverse: true,
      data: first.map(row => chartText(time(row.get(shape.x)))),
      axisLabel: { color: colour("soft"), width: Math.min(180, Math.round(width * 0.32)), overflow: "truncate" },
    },
    series: [
      {
        type: "bar",
        name: chartText(shape.y),
        data: first.map(row => number(row.get(shape.y))),
        barMaxWidth: 16,
        itemStyle: { borderRadius: [0, 3, 3, 0] },
        label: {
          show: true,
          position: "right",
          color: colour("soft"),
          formatter: ({ value }: { value: number }) => short(value),
        },
      },
    ],
  };
}

function week(shape: Shape & { kind: "week" }, rows: readonly Row[], axis: object) {
  const sums = new Map<string, number>();
  for (const row of rows) {
    const at = `${number(row.get("hour"))} ${number(row.get("weekday")) - 1}`;
    sums.set(at, (sums.get(at) ?? 0) + number(row.get(shape.y)));
  }
  const data = [...sums].map(([at, n]) => [...at.split(" ").map(Number), n]);
  return {
    grid: { left: 44, right: 12, top: 6, bottom: 56 },
    tooltip: {
      ...tooltip(),
      formatter: ({ value }: { value: [number, number, number] }) =>
        `${DAYS[value[1]]} ${String(value[0]).padStart(2, "0")}:00  ${whole(value[2])}`,
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
      textStyle: { color: colour("soft") },
      inRange: { color: steps(dark.peek()) },
    },
    series: [{ type: "heatmap", data, itemStyle: { borderColor: colour("paper"), borderWidth: 1 } }],
  };
}
