/** The view's filters as questions to the server. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Params, Question } from "../api/client";
import { toBounds } from "../map/antimeridian";
import { type Area, type Filters, LABELS, type Label, type OpenWindow, page } from "./view-state";

/** What is left out of the filters: a list of choices counts what could be chosen as well. */
export type ExcludedFilter = Label | "window" | "hours" | "weekdays" | "area";

/** The parameters of the filters. */
export function filterParams(filters: Filters, without: readonly ExcludedFilter[] = []): [string, string][] {
  const given: [string, string][] = [];
  for (const label of LABELS) {
    if (without.includes(label)) continue;
    for (const value of filters.labels[label]) given.push([label, value]);
  }
  const { start, end } = (!without.includes("window") && filters.window) || { start: null, end: null };
  if (start !== null) given.push(["start_time", start]);
  if (end !== null) given.push(["end_time", end]);
  if (!without.includes("hours")) for (const hour of filters.hours) given.push(["hour", String(hour)]);
  if (!without.includes("weekdays")) for (const day of filters.weekdays) given.push(["weekday", String(day)]);
  if (filters.area && !without.includes("area")) given.push(areaParam(filters.area));
  for (const [name, value] of filters.urlOnly) given.push([name, value]);
  return given;
}

/** An area as a filter. */
export function areaParam(area: Area): [string, string] {
  if (area.kind === "box") return ["bbox", area.box.join(",")];
  const ring = [...area.ring, area.ring[0]];
  return ["polygon", JSON.stringify({ type: "Polygon", coordinates: [ring] })];
}

/** The corners of a box, of which one across the 180th meridian goes on beyond it. */
export function boxCorners(box: readonly [number, number, number, number]): [number, number][] {
  const { west, south, east, north } = toBounds(box);
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
  ];
}

/** Counts by some dimensions. */
export function countQuestion(by: readonly string[], filters: Params, more: Params = []): Question {
  return { path: "aggregates", params: [["group_by", by.join(",")], ...more, ...filters] };
}

/** The same filters over another window. */
export function withWindow(filters: Filters, window: OpenWindow | null): Filters {
  return { ...filters, window };
}

/** A question of the page of the map: asked while that page is shown. */
export const whileMapShown = (
  question: () => Question | null | undefined,
): ReadonlySignal<Question | null | undefined> => computed(() => (page.value === "map" ? question() : undefined));
