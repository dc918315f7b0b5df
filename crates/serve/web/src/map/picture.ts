/** The picture of the map: one colour, height and text per cell, made from the answers. */

import { computed } from "@preact/signals";
import { isSameQuestion } from "../api/client";
import type { Count, Hotspot } from "../api/types";
import { comparisonShown, comparisonWindow, filters, mode, scale } from "../state/view-state";
import { closeWindow, countDays } from "../time/comparison-windows";
import { formatInteger, formatSigned, incidentNoun } from "../util/format";
import { dark } from "../util/theme";
import { touchesBounds } from "./cell-geometry";
import { type ColourScale, divergingScale, sequentialScale, significanceColour } from "./colour-scale";
import { comparisonAnswer, comparisonQuestion, joinAddresses, mapAnswer, mapQuestion, viewBounds } from "./questions";

/** A cell on the map. */
export interface MapCell {
  cell: string;
  colour: string;
  /** Relative to the highest, 0 to 1. */
  height: number;
  /** The lines of the tooltip. */
  text: string[];
  /** The same on one line, for the list. */
  brief: string;
  /** The key for sorting the list, descending; null is not listed. */
  rank: number | null;
}

/** The cells on the map and what their colours mean. */
export interface Picture {
  cells: MapCell[];
  colours: ColourScale | null;
  /** The unit of the numbers of the legend. */
  unit: string;
  /** The addresses of its questions; "" before the first answer. */
  addresses: string;
}

type CellsAndColours = Omit<Picture, "addresses">;

/** The days of the two windows of a comparison; null if they are equally long. */
export const comparedDays = computed((): [number, number] | null => {
  const [a, b] = [closeWindow(filters.value.window, null), comparisonWindow.value];
  const lengths: [number, number] = a && b ? [countDays(a), countDays(b)] : [1, 1];
  return lengths[0] === lengths[1] ? null : lengths;
});

type CellCount = Count & { cell: string };

function drawComparison(a: readonly CellCount[], b: readonly CellCount[]): CellsAndColours {
  // Windows of different lengths are compared per day.
  const lengths = comparedDays.value;
  const same = lengths === null;
  const [daysOfA, daysOfB] = lengths ?? [1, 1];
  const both = new Map<string, [number, number]>();
  for (const row of a) both.set(row.cell, [row.count, 0]);
  for (const row of b) both.set(row.cell, [both.get(row.cell)?.[0] ?? 0, row.count]);
  const difference = ([inA, inB]: [number, number]) => inA / daysOfA - inB / daysOfB;
  const changed = (pair: [number, number]) => `${formatSigned(difference(pair))}${same ? "" : " per day"}`;
  const value = ([inA, inB]: [number, number]) => {
    if (comparisonShown.value === "a") return inA;
    if (comparisonShown.value === "b") return inB;
    return difference([inA, inB]);
  };
  const shown = [...both].filter(([, pair]) => comparisonShown.value === "change" || value(pair) > 0);
  const values = shown.map(([, pair]) => value(pair));
  const change = comparisonShown.value === "change";
  const colours = change
    ? divergingScale(values, scale.value, dark.value)
    : sequentialScale(values, scale.value, dark.value);
  const most = Math.max(1e-9, ...values.map(Math.abs));
  return {
    colours,
    unit: change ? (same ? "A − B" : "A − B per day") : `incidents in ${comparisonShown.value.toUpperCase()}`,
    cells: shown.map(([cell, pair]) => ({
      cell,
      colour: colours.colour(value(pair)),
      height: Math.abs(value(pair)) / most,
      rank: change ? Math.abs(value(pair)) : value(pair),
      text: [`A: ${formatInteger(pair[0])}`, `B: ${formatInteger(pair[1])}`, `Change: ${changed(pair)}`],
      brief: `A ${formatInteger(pair[0])} · B ${formatInteger(pair[1])} · ${changed(pair)}`,
    })),
  };
}

function drawHotspots(rows: readonly Hotspot[]): CellsAndColours {
  const most = Math.max(1e-9, ...rows.map(row => Math.abs(row.z ?? 0)));
  return {
    colours: null,
    unit: "",
    cells: rows.map(({ cell, count, z = null, significance = null, trend = null }) => {
      const score = z === null ? "no z-score" : `z ${z.toFixed(2)}`;
      return {
        cell,
        colour: significanceColour(significance, dark.value),
        height: significance === null ? 0 : Math.abs(z ?? 0) / most,
        rank: significance === "hot" ? z : null,
        text: [
          `${formatInteger(count)} ${incidentNoun(count)}`,
          significance ? `${significance} spot` : "not significant",
          score,
          ...(trend ? [`${trend} by month`] : []),
        ],
        brief: [formatInteger(count), score, ...(trend ? [trend] : [])].join(" · "),
      };
    }),
  };
}

/** The last complete picture, shown while half of the next is missing. */
let last: Picture = { cells: [], colours: null, unit: "", addresses: "" };

// Separate signals: the loading state must not redraw the picture.
const answeredQuestion = computed(() => mapAnswer.value.question);
const rows = computed(() => mapAnswer.value.rows ?? []);
const comparisonAnswered = computed(() => comparisonAnswer.value.question);
const comparisonRows = computed(() => comparisonAnswer.value.rows ?? []);

/** Returns the rows in view: the cells of the filter extend beyond it. */
function keepInView<T extends { cell?: string | null }>(rows: readonly T[]): (T & { cell: string })[] {
  const bounds = viewBounds.value;
  const placed = rows.filter((row): row is T & { cell: string } => Boolean(row.cell));
  return bounds ? placed.filter(row => touchesBounds(row.cell, bounds)) : placed;
}

/** The picture of the current answers. */
export const picture = computed((): Picture => {
  const half =
    mode.value === "compare" &&
    !(
      isSameQuestion(answeredQuestion.value, mapQuestion.value) &&
      isSameQuestion(comparisonAnswered.value, comparisonQuestion.value)
    );
  if (!half) last = { ...drawCells(), addresses: joinAddresses(answeredQuestion.value, comparisonAnswered.value) };
  return last;
});

function drawCells(): CellsAndColours {
  // The previous answer may be of another mode.
  if (answeredQuestion.value?.path === "hotspots") return drawHotspots(keepInView(rows.value as Hotspot[]));
  const counted = keepInView(rows.value as Count[]);
  if (mode.value === "compare" && comparisonWindow.value)
    return drawComparison(counted, keepInView(comparisonRows.value));
  const values = counted.map(row => row.count);
  const colours = sequentialScale(values, scale.value, dark.value);
  const most = Math.max(1, ...values);
  return {
    colours,
    unit: "incidents per cell",
    cells: counted.map(row => ({
      cell: row.cell,
      colour: colours.colour(row.count),
      height: row.count / most,
      rank: row.count,
      text: [`${formatInteger(row.count)} ${incidentNoun(row.count)}`],
      brief: `${formatInteger(row.count)} ${incidentNoun(row.count)}`,
    })),
  };
}
