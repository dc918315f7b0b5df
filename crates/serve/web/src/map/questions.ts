/** The questions that the map asks, and their answers. */

import { computed, signal } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { type FilterParams, formatAddress, type Params, type Question } from "../api/client";
import { withCity } from "../api/resources";
import type { Count, Hotspot } from "../api/types";
import { areaParam, boxCorners, countQuestion, filterParams, whileMapShown, withWindow } from "../state/questions";
import { camera, chartsFollowMap, comparisonWindow, filters, mode, type OpenWindow } from "../state/view-state";
import { alignBounds, toBox } from "./antimeridian";
import { extent } from "./extent";
import { type Bounds, containsBounds, coverBounds, resolutionAt, roundBounds } from "./resolution";

/** The visible part of the world; null before the map exists. */
export const viewport = signal<{ bounds: Bounds; zoom: number } | null>(null);

/** Cells of an answer: more could not be distinguished on a screen. */
const MAX_CELLS = 20_000;
/** Statistics cover the whole city: nearly all finer cells would be empty. */
const MAX_HOTSPOT_RESOLUTION = 9;

/** Fast changes, as while a window is dragged, send one question at once and one when they pause. */
export const DEBOUNCE_MS = 60;

/** A question that waits until the map is drawn, so that charts do not delay the map. */
export const afterMapDrawn = (question: () => Question | null) =>
  whileMapShown(() => (mapSettled.value ? question() : undefined));

const resolution = computed(() => (viewport.value === null ? 9 : resolutionAt(viewport.value.zoom)));

/** The bounds of the view; null if all incidents are in view, or the user has not moved the map. */
export const viewBounds = computed((): Bounds | null => {
  const view = viewport.value;
  if (view === null || camera.value === null) return null;
  if (extent.value && containsBounds(alignBounds(extent.value.all, view.bounds), view.bounds)) return null;
  return roundBounds(view.bounds);
});

/** The filter of the cells in view, by coarser cells, so that no cell is counted in part. */
const cellsInView = computed((): FilterParams => {
  const cells = viewBounds.value && coverBounds(viewBounds.value, resolution.value);
  return (cells ?? []).map(cell => ["cell", cell]);
});

/** The filter of exactly the incidents in view. */
export const viewFilter = computed((): FilterParams => {
  if (!viewBounds.value) return [];
  const box = toBox(viewBounds.value);
  // A question takes one box: if a box is drawn, the view becomes a polygon.
  return [
    areaParam(filters.value.area?.kind === "box" ? { kind: "polygon", ring: boxCorners(box) } : { kind: "box", box }),
  ];
});

/** The filter of the charts: the view, while they follow the map. */
export const chartsFilter = computed((): FilterParams => (chartsFollowMap.value ? viewFilter.value : []));

function cellsQuestion(window: OpenWindow | null): Question {
  const more: Params<"aggregates"> = [
    ["geo_precision", String(resolution.value)],
    ["located", "true"],
    ...cellsInView.value,
    ["limit", String(MAX_CELLS)],
  ];
  return countQuestion(["cell"], withCity(filterParams(withWindow(filters.value, window))), more);
}

/** The question of the map; in a comparison, that of the first window. */
export const mapQuestion = computed((): Question => {
  if (mode.value !== "hotspots") return cellsQuestion(filters.value.window);
  const geo = Math.min(resolution.value, MAX_HOTSPOT_RESOLUTION);
  return {
    path: "hotspots",
    params: [["geo_precision", String(geo)], ...withCity(filterParams(filters.value)), ["limit", String(MAX_CELLS)]],
  };
});

/** The question of the second window of a comparison. */
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

/** Returns the addresses of the questions of the map as one text. */
export const joinAddresses = (map: Question | null, other: Question | null) =>
  [map, other].flatMap(question => (question ? [formatAddress(question)] : [])).join(" and ");

/** The addresses of the current questions of the map. */
export const requestedAddresses = computed(() => joinAddresses(mapQuestion.value, comparisonQuestion.value));
/** The addresses of the questions that the map has drawn; null if it cannot be drawn. */
export const drawnAddresses = signal<string | null>("");
/** Whether the map has drawn its current questions, or failed to. */
const mapSettled = computed(
  () =>
    drawnAddresses.value === null ||
    drawnAddresses.value === requestedAddresses.value ||
    mapAnswer.value.problem !== null ||
    comparisonAnswer.value.problem !== null,
);
