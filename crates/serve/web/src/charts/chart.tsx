/** A chart of the library, in the page's colours and as large as its frame. */

import type { ECharts, EChartsCoreOption } from "echarts/core";
import { useEffect, useRef } from "preact/hooks";
import { cssColour, seriesColours } from "../util/colours";
import { dark } from "../util/theme";

/** What a click on a chart is about. */
export interface ChartClick {
  name: string;
  seriesName?: string;
  value: unknown;
}

/** What is drawn, as far as the page's colours go into it. */
interface Option {
  tooltip?: object;
  xAxis?: object | null;
  yAxis?: object;
  legend?: object;
  series: object;
  grid?: object;
}

interface Props {
  // The library's own type lists every chart there is, used or not.
  option: Option;
  /** What the chart shows, for who does not see it. */
  label: string;
  onClick?: (picked: ChartClick) => void;
  class?: string;
}

function applyTheme({ tooltip, ...option }: Option, label: string): EChartsCoreOption {
  const [ink, soft, line, raised, faint] = ["ink", "soft", "line", "raised", "faint"].map(cssColour);
  const axis = (given: unknown) =>
    given === undefined
      ? undefined
      : {
          axisLine: { lineStyle: { color: line } },
          axisTick: { show: false },
          splitLine: { lineStyle: { color: faint } },
          ...(given as object),
          axisLabel: { color: soft, fontSize: 11, ...((given as { axisLabel?: object }).axisLabel ?? {}) },
        };
  return {
    animation: false,
    useUTC: true,
    color: seriesColours(dark.peek()),
    textStyle: { fontFamily: "system-ui, sans-serif" },
    // Of text drawn on the canvas: HTML with styles in it would need an exception in the page's policy.
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
export function Chart({ option, label, onClick, class: more }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const latest = useRef({ option, label, onClick });
  latest.current = { option, label, onClick };
  const isDark = dark.value;

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let gone = false;
    let watch: ResizeObserver | null = null;
    import("./echarts").then(({ init }) => {
      if (gone) return;
      const made = init(element, null, { renderer: "canvas" });
      chart.current = made;
      made.setOption(applyTheme(latest.current.option, latest.current.label), true);
      made.on("click", event => latest.current.onClick?.(event as ChartClick));
      watch = new ResizeObserver(() => made.resize());
      watch.observe(element);
    });
    return () => {
      gone = true;
      watch?.disconnect();
      chart.current?.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    chart.current?.setOption(applyTheme(option, label), true);
  }, [option, label, isDark]);

  return <div class={`chart ${more ?? ""}`} ref={frame} role="img" aria-label={label} />;
}
