/** An ECharts chart in the colours of the page and the size of its container. */

import type { ECharts, EChartsCoreOption } from "echarts/core";
import { useEffect, useRef } from "preact/hooks";
import { cssColour, seriesColours } from "../util/colours";
import { dark } from "../util/theme";

/** The element of a chart that was clicked. */
export interface ChartClick {
  name: string;
  seriesName?: string;
  value: unknown;
}

/** The options to which the theme is applied. */
interface Option {
  tooltip?: object;
  xAxis?: object | null;
  yAxis?: object;
  legend?: object;
  series: object;
  grid?: object;
}

interface Props {
  // The type of the library covers every kind of chart.
  option: Option;
  /** The accessible description of the chart. */
  label: string;
  onClick?: (picked: ChartClick) => void;
  class?: string;
}

function applyTheme({ tooltip, ...option }: Option, label: string): EChartsCoreOption {
  const [ink, soft, line, raised, faint] = ["ink", "soft", "line", "raised", "faint"].map(cssColour);
  const axis = (axisOption: unknown) =>
    axisOption === undefined
      ? undefined
      : {
          axisLine: { lineStyle: { color: line } },
          axisTick: { show: false },
          splitLine: { lineStyle: { color: faint } },
          ...(axisOption as object),
          axisLabel: { color: soft, fontSize: 11, ...((axisOption as { axisLabel?: object }).axisLabel ?? {}) },
        };
  return {
    animation: false,
    useUTC: true,
    color: seriesColours(dark.peek()),
    textStyle: { fontFamily: "system-ui, sans-serif" },
    // Drawn on the canvas: HTML tooltips need inline styles, which the content security policy forbids.
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      backgroundColor: raised,
      borderColor: line,
      textStyle: { color: ink, fontSize: 12 },
      ...tooltip,
    },
    aria: { enabled: true, label: { description: label } },
    ...option,
    ...(option.xAxis ? { xAxis: axis(option.xAxis) } : {}),
    ...(option.yAxis ? { yAxis: axis(option.yAxis) } : {}),
    ...(option.legend ? { legend: { textStyle: { color: soft, fontSize: 11 }, ...option.legend } } : {}),
  };
}

/** A chart. */
export function Chart({ option, label, onClick, class: extraClass }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const latest = useRef({ option, label, onClick });
  latest.current = { option, label, onClick };
  const isDark = dark.value;

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let disposed = false;
    let watch: ResizeObserver | null = null;
    import("./echarts").then(({ init }) => {
      if (disposed) return;
      const created = init(element, null, { renderer: "canvas" });
      chart.current = created;
      created.setOption(applyTheme(latest.current.option, latest.current.label), true);
      created.on("click", event => latest.current.onClick?.(event as ChartClick));
      watch = new ResizeObserver(() => created.resize());
      watch.observe(element);
    });
    return () => {
      disposed = true;
      watch?.disconnect();
      chart.current?.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption(applyTheme(option, label), true);
  }, [option, label, isDark]);

  return <div class={`chart ${extraClass ?? ""}`} ref={frame} role="img" aria-label={label} />;
}
