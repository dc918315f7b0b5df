/** An answer as a chart; the table beside it has the same numbers. */

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

/** Draws the shape that was found for an answer. */
export default function ResultChart({ shape, rows, label }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType | null>(null);
  useEffect(() => {
    if (!place.current) return;
    const made = init(place.current, null, { renderer: "canvas" });
    chart.current = made;
    const watch = new ResizeObserver(() => made.resize());
    watch.observe(place.current);
    return () => {
      watch.disconnect();
      made.dispose();
    };
  }, []);
  const isDark = dark.value;
  useEffect(() => {
    chart.current?.setOption(buildChartOption(shape, rows, place.current?.clientWidth ?? 600), true);
  }, [shape, rows, isDark]);
  const what = { line: "Line chart", bars: "Bar chart", week: "Heat map of the week" }[shape.kind];
  return (
    <div
      class="result-chart"
      data-shape={shape.kind}
      ref={place}
      role="img"
      aria-label={`${what} of ${shape.y}: ${label}`}
    />
  );
}
