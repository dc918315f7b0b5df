/** Colour scales. Their seven steps differ in lightness, too, for colour-blind readers. */

import type { Scale } from "../state/view-state";

/** From few to many, on a light background. */
const LIGHT = ["#fdebc8", "#fbc98a", "#f79f5f", "#ec6a52", "#d13a5c", "#9b1d63", "#5c1258"];
/** From few to many, on a dark background. */
const DARK = ["#3a1852", "#66206a", "#98306b", "#c9455f", "#ee6a45", "#fca234", "#fde67a"];
const DECREASE_COLOURS = ["#1c5aa3", "#5b95cf", "#a9cbe8"];
const INCREASE_COLOURS = ["#f6bfa6", "#e2725b", "#ad1f3a"];

/** Returns the colours from few to many. */
export const sequentialColours = (dark: boolean): readonly string[] => (dark ? DARK : LIGHT);

/** A mapping of values to colours, and its legend. */
export interface ColourScale {
  colour: (value: number) => string;
  /** Each colour and its range of values, from low to high. */
  legend: { colour: string; from: number; to: number }[];
}

/** Returns the breaks of `n` classes with about equally many values; fewer if values repeat. */
export function quantileBreaks(values: readonly number[], n: number): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const breaks = Array.from({ length: n - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / n)] ?? 0);
  return [...new Set(breaks)].filter(value => value > (sorted[0] ?? 0));
}

/** Returns the breaks of `n` classes of equal width; whole numbers if the values are. */
export function equalBreaks(values: readonly number[], n: number): number[] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const edge = values.every(Number.isInteger) ? Math.ceil : (value: number) => value;
  const breaks = Array.from({ length: n - 1 }, (_, i) => edge(low + ((i + 1) * (high - low)) / n));
  return [...new Set(breaks)].filter(value => value > low && value <= high);
}

/** Returns the scale of counts above zero. */
export function sequentialScale(values: readonly number[], scale: Scale, dark: boolean): ColourScale {
  if (values.length === 0) return { colour: () => "transparent", legend: [] };
  const colours = sequentialColours(dark);
  const breaks = scale === "quantile" ? quantileBreaks(values, colours.length) : equalBreaks(values, colours.length);
  // Fewer classes still use the complete range of colours.
  const shown = Array.from({ length: breaks.length + 1 }, (_, i) =>
    breaks.length === 0 ? 3 : Math.round((i * (colours.length - 1)) / breaks.length),
  ).map(at => colours[at] ?? "#888888");
  const class_ = (value: number) => breaks.filter(edge => value >= edge).length;
  const low = Math.min(...values);
  const high = Math.max(...values);
  return {
    colour: value => shown[class_(value)] ?? "#888888",
    legend: shown.map((colour, i) => ({
      colour,
      from: i === 0 ? low : (breaks[i - 1] ?? low),
      to: i === breaks.length ? high : (breaks[i] ?? high) - 1,
    })),
  };
}

/** Returns the scale of changes: blue for decreases, red for increases, symmetric around zero. */
export function divergingScale(values: readonly number[], scale: Scale, dark: boolean): ColourScale {
  const sizes = values.map(Math.abs).filter(size => size > 0);
  const middle = dark ? "#3a3a44" : "#f0eeea";
  if (sizes.length === 0) return { colour: () => middle, legend: [] };
  const edges = scale === "quantile" ? quantileBreaks(sizes, 3) : equalBreaks(sizes, 3);
  // A class of integers ends one below the next; another ends at its greatest value.
  const wholes = sizes.every(Number.isInteger);
  const below = (edge: number) => (wholes ? edge - 1 : Math.max(...sizes.filter(size => size < edge)));
  const high = Math.max(...sizes);
  const least = Math.min(...sizes);
  const class_ = (size: number) => edges.filter(edge => size >= edge).length;
  const last = edges.length;
  const bound = (i: number): [number, number] => {
    const from = i === 0 ? least : (edges[i - 1] ?? least);
    return [from, i === last ? high : Math.max(from, below(edges[i] ?? high))];
  };
  const side = (colours: readonly string[], i: number) =>
    colours[last === 0 ? 1 : Math.round((i * 2) / last)] ?? middle;
  const falls = [...DECREASE_COLOURS].reverse();
  const classes = Array.from({ length: last + 1 }, (_, i) => i);
  return {
    colour: value => (value === 0 ? middle : side(value > 0 ? INCREASE_COLOURS : falls, class_(Math.abs(value)))),
    legend: [
      ...[...classes].reverse().map(i => ({ colour: side(falls, i), from: -bound(i)[1], to: -bound(i)[0] })),
      { colour: middle, from: 0, to: 0 },
      ...classes.map(i => ({ colour: side(INCREASE_COLOURS, i), from: bound(i)[0], to: bound(i)[1] })),
    ],
  };
}

/** The colours of significant hot and cold spots. */
export const SIGNIFICANCE_COLOURS = { hot: INCREASE_COLOURS[2] ?? "", cold: DECREASE_COLOURS[0] ?? "" };

/** Returns the colour of a hot, a cold, or a not significant cell. */
export const significanceColour = (kind: "hot" | "cold" | null, dark: boolean): string =>
  kind === null ? (dark ? "#33333d" : "#e4e0db") : SIGNIFICANCE_COLOURS[kind];
