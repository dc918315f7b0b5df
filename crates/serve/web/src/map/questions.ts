/** What the map asks, and what it makes of the answers: one colour, height and text a cell. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { cellToLatLng } from "h3-js";
import { follow } from "../api/answer";
import { address, type Params, type Question } from "../api/client";
import { cityParams, resources } from "../api/resources";
import type { Count, Hotspot } from "../api/types";
import { corners, counts, during, inArea, params } from "../state/questions";
import {
  camera,
  chartsFollow,
  comparedTo,
  compareShows,
  filters,
  mode,
  page,
  type Span,
  scale,
} from "../state/view-state";
import { closed, days } from "../time/comparison-windows";
import { incidents, signed, whole } from "../util/format";
import { dark } from "../util/theme";
import { beside, boxOf, gathered } from "./antimeridian";
import { touches } from "./cell-geometry";
import { diverging, type Ramp, sequential, significance } from "./colour-scale";
import { type Bounds, cover, resolutionAt, rounded, within } from "./resolution";

/** What the map shows of the world; null until it is there. */
export const seen = signal<{ bounds: Bounds; zoom: number } | null>(null);

/** Cells in an answer at most: more are not told apart on a screen. */
const MOST_CELLS = 20_000;
/** Statistics are made over the whole city: finer cells are many, and nearly all empty. */
const FINEST_HOTSPOT = 9;

/** Changes that follow fast, as of a brush that is drawn, are asked once: the first at once, the rest when they pause. */
export const WAIT_MS = 60;

/** The filters, and the city where none is chosen. */
export function asked(given: [string, string][]): [string, string][] {
  return given.some(([name]) => name === "resource") ? given : [...cityParams.value, ...given];
}

/** A question of the map's page: asked while that is on screen. */
export const onMap = (question: () => Question | null | undefined): ReadonlySignal<Question | null | undefined> =>
  computed(() => (page.value === "map" ? question() : undefined));

/** A question that waits until the map shows what was last asked for: a dozen answers beside it would hold it up. */
export const afterMap = (question: () => Question | null) => onMap(() => (settled.value ? question() : undefined));

const isOf = (of: Question | null, question: Question | null) =>
  of !== null && question !== null && address(of) === address(question);

const extentQuestion = computed(
  (): Question =>
    counts(["cell"], asked([]), [
      ["geo_precision", "7"],
      ["located", "true"],
    ]),
);
const extentCells = follow<Count[]>(onMap(() => extentQuestion.value));

/** Where the city's incidents are: all of them, and all but the hundredth part at each edge. */
export const extent = computed((): { all: Bounds; most: Bounds } | null => {
  // Until the cities are known, it may be that of all of them.
  if (resources.value.rows === null || !isOf(extentCells.value.of, extentQuestion.value)) return null;
  const rows = (extentCells.value.rows ?? []).filter(row => row.cell);
  if (rows.length === 0) return null;
  const at = rows.map(row => ({ at: cellToLatLng(row.cell ?? ""), count: row.count }));
  const total = at.reduce((sum, { count }) => sum + count, 0);
  const lngs = gathered(at.map(cell => cell.at[1]));
  at.forEach((cell, n) => {
    cell.at[1] = lngs[n] ?? 0;
  });
  const edge = (axis: 0 | 1, part: number, direction: 1 | -1) => {
    const sorted = [...at].sort((a, b) => direction * (a.at[axis] - b.at[axis]));
    let passed = 0;
    for (const cell of sorted) {
      passed += cell.count;
      if (passed > part * total) return cell.at[axis];
    }
    return sorted[0]?.at[axis] ?? 0;
  };
  const box = (part: number, margin: number): Bounds => ({
    west: edge(1, part, 1) - margin * 1.25,
    south: edge(0, part, 1) - margin,
    east: edge(1, part, -1) + margin * 1.25,
    north: edge(0, part, -1) + margin,
  });
  // A cell of resolution 7 reaches 1.4 km from its centre.
  const all = box(0, 0.013);
  const most = box(0.004, 0.012);
  // A few cells far out should not make the city small; where there are none, none is cut off.
  const size = ({ west, south, east, north }: Bounds) => (east - west) * (north - south);
  return { all, most: size(all) < 2 * size(most) ? all : most };
});

const resolution = computed(() => (seen.value === null ? 9 : resolutionAt(seen.value.zoom)));

/** The part of the world in view; null where all there is is, or nobody has moved the map yet. */
const frame = computed((): Bounds | null => {
  const view = seen.value;
  if (view === null || camera.value === null) return null;
  if (extent.value && within(beside(extent.value.all, view.bounds), view.bounds)) return null;
  return rounded(view.bounds);
});

/** The filter of the cells in view: by coarser cells, for none may be counted in part. */
const cellsInView = computed((): Params => {
  const cells = frame.value && cover(frame.value, resolution.value);
  return (cells ?? []).map((cell): [string, string] => ["cell", cell]);
});

/** The filter of the incidents in view, to the incident. */
export const inView = computed((): Params => {
  if (!frame.value) return [];
  const box = boxOf(frame.value);
  // A question takes one box: where that is the drawn one, the frame is a polygon.
  return [inArea(filters.value.area?.kind === "box" ? { kind: "polygon", ring: corners(box) } : { kind: "box", box })];
});

/** The filter that charts add: what is in view, while they follow the map. */
export const chartsView = computed((): Params => (chartsFollow.value ? inView.value : []));

function cells(window: Span | null): Question {
  const more: Params = [
    ["geo_precision", String(resolution.value)],
    ["located", "true"],
    ...cellsInView.value,
    ["limit", String(MOST_CELLS)],
  ];
  return counts(["cell"], asked(params(during(filters.value, window))), more);
}

/** The question of the map, of the first window in a comparison. */
export const mapQuestion = computed((): Question => {
  if (mode.value !== "hotspots") return cells(filters.value.window);
  const geo = Math.min(resolution.value, FINEST_HOTSPOT);
  return {
    path: "hotspots",
    params: [["geo_precision", String(geo)], ...asked(params(filters.value)), ["limit", String(MOST_CELLS)]],
  };
});

/** The question of the second window in a comparison. */
export const otherQuestion = computed((): Question | null =>
  mode.value === "compare" && comparedTo.value ? cells(comparedTo.value) : null,
);

export const mapAnswer = follow<Count[] | Hotspot[]>(
  onMap(() => mapQuestion.value),
  WAIT_MS,
);
export const otherAnswer = follow<Count[]>(
  onMap(() => otherQuestion.value),
  WAIT_MS,
);

/** The questions of a map, in one text. */
const together = (map: Question | null, other: Question | null) =>
  [map, other].flatMap(question => (question ? [address(question)] : [])).join(" and ");

/** What the map is asked for. */
export const wanted = computed(() => together(mapQuestion.value, otherQuestion.value));
/** What the map has drawn, by what was asked for; null where there can be no map. */
export const drawn = signal<string | null>("");
/** Whether the map shows what was last asked for, or cannot. */
const settled = computed(
  () =>
    drawn.value === null ||
    drawn.value === wanted.value ||
    mapAnswer.value.problem !== null ||
    otherAnswer.value.problem !== null,
);

/** A cell on the map. */
export interface Hex {
  cell: string;
  colour: string;
  /** 0 to 1: of the highest. */
  height: number;
  /** What the count is, for hovering. */
  text: string[];
  /** The same on one line of a list. */
  brief: string;
  /** What it is sorted by, the first the highest; null is not listed. */
  rank: number | null;
}

/** The cells on the map and what their colours mean. */
export interface Picture {
  hexes: Hex[];
  ramp: Ramp | null;
  /** The unit of the ramp's numbers. */
  unit: string;
  /** What was asked for; "" before the first answer. */
  of: string;
}

type Drawing = Omit<Picture, "of">;

/** The days of the two windows of a comparison where one is longer; null where numbers are compared as they are. */
export const lengthsCompared = computed((): [number, number] | null => {
  const [a, b] = [closed(filters.value.window, null), comparedTo.value];
  const lengths: [number, number] = a && b ? [days(a), days(b)] : [1, 1];
  return lengths[0] === lengths[1] ? null : lengths;
});

type Counted = Count & { cell: string };

function compared(a: readonly Counted[], b: readonly Counted[]): Drawing {
  // Windows of other lengths are compared by the day.
  const lengths = lengthsCompared.value;
  const same = lengths === null;
  const [daysOfA, daysOfB] = lengths ?? [1, 1];
  const both = new Map<string, [number, number]>();
  for (const row of a) both.set(row.cell, [row.count, 0]);
  for (const row of b) both.set(row.cell, [both.get(row.cell)?.[0] ?? 0, row.count]);
  const difference = ([inA, inB]: [number, number]) => inA / daysOfA - inB / daysOfB;
  const changed = (pair: [number, number]) => `${signed(difference(pair))}${same ? "" : " a day"}`;
  const value = ([inA, inB]: [number, number]) => {
    if (compareShows.value === "a") return inA;
    if (compareShows.value === "b") return inB;
    return difference([inA, inB]);
  };
  const shown = [...both].filter(([, pair]) => compareShows.value === "change" || value(pair) > 0);
  const values = shown.map(([, pair]) => value(pair));
  const change = compareShows.value === "change";
  const ramp = change ? diverging(values, scale.value, dark.value) : sequential(values, scale.value, dark.value);
  const most = Math.max(1e-9, ...values.map(Math.abs));
  return {
    ramp,
    unit: change ? (same ? "A − B" : "A − B, a day") : `incidents in ${compareShows.value.toUpperCase()}`,
    hexes: shown.map(([cell, pair]) => ({
      cell,
      colour: ramp.colour(value(pair)),
      height: Math.abs(value(pair)) / most,
      rank: change ? Math.abs(value(pair)) : value(pair),
      text: [`A: ${whole(pair[0])}`, `B: ${whole(pair[1])}`, `Change: ${changed(pair)}`],
      brief: `A ${whole(pair[0])} · B ${whole(pair[1])} · ${changed(pair)}`,
    })),
  };
}

function hot(rows: readonly Hotspot[]): Drawing {
  const most = Math.max(1e-9, ...rows.map(row => Math.abs(row.z ?? 0)));
  return {
    ramp: null,
    unit: "",
    hexes: rows.map(row => ({
      cell: row.cell,
      colour: significance(row.significance, dark.value),
      height: row.significance === null ? 0 : Math.abs(row.z ?? 0) / most,
      rank: row.significance === "hot" ? row.z : null,
      text: [
        `${whole(row.count)} ${incidents(row.count)}`,
        row.significance ? `${row.significance} beyond chance` : "within chance",
        row.z === null ? "z unknown" : `z ${row.z.toFixed(2)}`,
        ...(row.trend ? [`${row.trend} over the months`] : []),
      ],
      brief: [
        whole(row.count),
        row.z === null ? "z unknown" : `z ${row.z.toFixed(2)}`,
        ...(row.trend ? [row.trend] : []),
      ].join(" · "),
    })),
  };
}

/** The last whole picture, for as long as half of the next is missing. */
let last: Picture = { hexes: [], ramp: null, unit: "", of: "" };

// That a question is under way is no other picture.
const answered = computed(() => mapAnswer.value.of);
const rows = computed(() => mapAnswer.value.rows ?? []);
const otherAnswered = computed(() => otherAnswer.value.of);
const otherRows = computed(() => otherAnswer.value.rows ?? []);

/** Those on screen: the coarser cells that were asked for reach beyond it. */
function onScreen<T extends { cell?: string | null }>(rows: readonly T[]): (T & { cell: string })[] {
  const bounds = frame.value;
  const placed = rows.filter((row): row is T & { cell: string } => Boolean(row.cell));
  return bounds ? placed.filter(row => touches(row.cell, bounds)) : placed;
}

/** What the map shows. */
export const picture = computed((): Picture => {
  const half =
    mode.value === "compare" &&
    !(isOf(answered.value, mapQuestion.value) && isOf(otherAnswered.value, otherQuestion.value));
  if (!half) last = { ...made(), of: together(answered.value, otherAnswered.value) };
  return last;
});

function made(): Drawing {
  // The answer before the last question may be of another kind.
  if (answered.value?.path === "hotspots") return hot(onScreen(rows.value as Hotspot[]));
  const counted = onScreen(rows.value as Count[]);
  if (mode.value === "compare" && comparedTo.value) return compared(counted, onScreen(otherRows.value));
  const values = counted.map(row => row.count);
  const ramp = sequential(values, scale.value, dark.value);
  const most = Math.max(1, ...values);
  return {
    ramp,
    unit: "incidents a cell",
    hexes: counted.map(row => ({
      cell: row.cell,
      colour: ramp.colour(row.count),
      height: row.count / most,
      rank: row.count,
      text: [`${whole(row.count)} ${incidents(row.count)}`],
      brief: `${whole(row.count)} ${incidents(row.count)}`,
    })),
  };
}
