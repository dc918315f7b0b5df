/** The questions that the map asks, and their answers. */

import { computed, signal } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { formatAddress, type Params, type Question } from "../api/client";
import { withCity } from "../api/resources";
import type { Count, Hotspot } from "../api/types";
import { areaParam, boxCorners, countQuestion, filterParams, whileMapShown, withWindow } from "../state/questions";
import { camera, chartsFollowMap, comparisonWindow, filters, mode, type OpenWindow } from "../state/view-state";
import { alignBounds, toBox } from "./antimeridian";
import { extent } from "./extent";
import { type Bounds, containsBounds, coverBounds, resolutionAt, roundBounds } from "./resolution";

/** What the map shows of the world; null until it is there. */
export const viewport = signal<{ bounds: Bounds; zoom: number } | null>(null);

/** Cells in an answer at most: more are not told apart on a screen. */
const MAX_CELLS = 20_000;
/** Statistics are made over the whole city: finer cells are many, and nearly all empty. */
const MAX_HOTSPOT_RESOLUTION = 9;

/** Changes that follow fast, as of a brush that is drawn, are asked once: the first at once, the rest when they pause. */
export const DEBOUNCE_MS = 60;

/** A question that waits until the map shows what was last asked for: a dozen answers beside it would hold it up. */
export const afterMapDrawn = (question: () => Question | null) =>
  whileMapShown(() => (mapSettled.value ? question() : undefined));

const resolution = computed(() => (viewport.value === null ? 9 : resolutionAt(viewport.value.zoom)));

/** The part of the world in view; null where all there is is, or nobody has moved the map yet. */
export const viewBounds = computed((): Bounds | null => {
  const view = viewport.value;
  if (view === null || camera.value === null) return null;
  if (extent.value && containsBounds(alignBounds(extent.value.all, view.bounds), view.bounds)) return null;
  return roundBounds(view.bounds);
});

/** The filter of the cells in view: by coarser cells, for none may be counted in part. */
const cellsInView = computed((): Params => {
  const cells = viewBounds.value && coverBounds(viewBounds.value, resolution.value);
  return (cells ?? []).map((cell): [string, string] => ["cell", cell]);
});

/** The filter of the incidents in view, to the incident. */
export const viewFilter = computed((): Params => {
  if (!viewBounds.value) return [];
  const box = toBox(viewBounds.value);
  // A question takes one box: where that is the drawn one, the frame is a polygon.
  return [
    areaParam(filters.value.area?.kind === "box" ? { kind: "polygon", ring: boxCorners(box) } : { kind: "box", box }),
  ];
});

/** The filter that charts add: what is in view, while they follow the map. */
export const chartsFilter = computed((): Params => (chartsFollowMap.value ? viewFilter.value : []));

function cellsQuestion(window: OpenWindow | null): Question {
  const more: Params = [
    ["geo_precision", String(resolution.value)],
    ["located", "true"],
    ...cellsInView.value,
    ["limit", String(MAX_CELLS)],
  ];
  return countQuestion(["cell"], withCity(filterParams(withWindow(filters.value, window))), more);
}

/** The question of the map, of the first window in a comparison. */
export const mapQuestion = computed((): Question => {
  if (mode.value !== "hotspots") return cellsQuestion(filters.value.window);
  const geo = Math.min(resolution.value, MAX_HOTSPOT_RESOLUTION);
  return {
    path: "hotspots",
    params: [["geo_precision", String(geo)], ...withCity(filterParams(filters.value)), ["limit", String(MAX_CELLS)]],
  };
});

/** The question of the second window in a comparison. */
export const comparisonQuestion = computed((): Question | null =>
  mode.value === "compare" && comparisonWindow.value ? cellsQuestion(comparisonWindow.value) : null,
);

export const mapAnswer = watchAnswer<Count[] | Hotspot[]>(
  whileMapShown(() => mapQuestion.value),
  DEBOUNCE_MS,
);
export const comparisonAnswer = watchAnswer<Count[]>(
  whileMapShown(() => comparisonQuestion.value),
  DEBOUNCE_MS,
);

/** The questions of a map, in one text. */
export const joinAddresses = (map: Question | null, other: Question | null) =>
  [map, other].flatMap(question => (question ? [formatAddress(question)] : [])).join(" and ");

/** What the map is asked for. */
export const requestedAddresses = computed(() => joinAddresses(mapQuestion.value, comparisonQuestion.value));
/** What the map has drawn, by what was asked for; null where there can be no map. */
export const drawnAddresses = signal<string | null>("");
/** Whether the map shows what was last asked for, or cannot. */
const mapSettled = computed(
  () =>
    drawnAddresses.value === null ||
    drawnAddresses.value === requestedAddresses.value ||
    mapAnswer.value.problem !== null ||
    comparisonAnswer.value.problem !== null,
);
