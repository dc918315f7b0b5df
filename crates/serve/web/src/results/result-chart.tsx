/** The chart of an answer. */

import type { EChartsType } from "echarts/core";
import { useEffect, useRef } from "preact/hooks";
import { init } from "../charts/echarts";
import { dark } from "../util/theme";
import { buildChartOption } from "./chart-option";
import type { ChartShape } from "./chart-shape";
import type { Row } from "./row";

interface Props {
  shape: ChartShape;
  rows: readonly Row[];
  label: string;
}

/** Draws a chart of the given shape. */
export default function ResultChart({ shape, rows, label }: Props) {
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  useEffect(() => {
    if (!container.current) return;
    const created = init(container.current, null, { renderer: "canvas" });
    chart.current = created;
    const watch = new ResizeObserver(() => created.resize());
    watch.observe(container.current);
    return () => {
      watch.disconnect();
      created.dispose();
    };
  }, []);
  const isDark = dark.value;
  useEffect(() => {
    chart.current?.setOption(buildChartOption(shape, rows, container.current?.clientWidth ?? 600), true);
  }, [shape, rows, isDark]);
  const kind = { line: "Line chart", bars: "Bar chart", week: "Heat map of the week" }[shape.kind];
  return (
    <div
      class="result-chart"
      data-shape={shape.kind}
      ref={container}
      role="img"
      aria-label={`${kind} of ${shape.y}: ${label}`}
    />
  );
}
