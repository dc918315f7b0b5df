/** A chart of the library, in the page's colours and as large as its frame. */

import type { ECharts } from "echarts/core";
import { useEffect, useRef } from "preact/hooks";
import { dark } from "../parts/theme";

/** What a click on a chart is about. */
export interface Picked {
  name: string;
  seriesName?: string;
  value: unknown;
}

interface Props {
  // The library's own type lists every chart there is, used or not.
  option: Record<string, unknown>;
  /** What the chart shows, for who does not see it. */
  label: string;
  pick?: (picked: Picked) => void;
  class?: string;
}

/** Colours of several series: told apart in lightness as well. */
export const SERIES = ["#b3225a", "#1f6fb2", "#e08a1e", "#2f8f5b", "#7b4bb0", "#c4523a", "#3aa6a6", "#8a6d3b"];
const SERIES_DARK = ["#ff7fa9", "#6fb3f2", "#f5b14c", "#6fd29a", "#b997ee", "#f08a6e", "#6fd6d6", "#c9ab74"];

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), soft: of("--soft"), line: of("--line"), raised: of("--raised"), faint: of("--faint") };
}

function themed(option: Record<string, unknown>, label: string): Record<string, unknown> {
  const { ink, soft, line, raised, faint } = colours();
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
    color: dark.value ? SERIES_DARK : SERIES,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    // Of text drawn on the canvas: HTML with styles in it would need an exception in the page's policy.
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      backgroundColor: raised,
      borderColor: line,
      textStyle: { color: ink, fontSize: 12 },
      ...((option.tooltip as object) ?? {}),
    },
    aria: { enabled: true, label: { description: label } },
    ...Object.fromEntries(Object.entries(option).filter(([name]) => name !== "tooltip")),
    ...(option.xAxis ? { xAxis: axis(option.xAxis) } : {}),
    ...(option.yAxis ? { yAxis: axis(option.yAxis) } : {}),
    ...(option.legend ? { legend: { textStyle: { color: soft, fontSize: 11 }, ...(option.legend as object) } } : {}),
  };
}

/** A chart. */
export function Chart({ option, label, pick, class: more }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | null>(null);
  const latest = useRef({ option, label, pick });
  latest.current = { option, label, pick };
  const isDark = dark.value;

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let gone = false;
    let watch: ResizeObserver | null = null;
    import("./engine").then(({ init }) => {
      if (gone) return;
      const made = init(element, null, { renderer: "canvas" });
      chart.current = made;
      made.setOption(themed(latest.current.option, latest.current.label), true);
      made.on("click", picked => latest.current.pick?.(picked as Picked));
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
    chart.current?.setOption(themed(option, label), true);
  }, [option, label, isDark]);

  return <div class={`chart ${more ?? ""}`} ref={frame} role="img" aria-label={label} />;
}
