/** Questions to the server from the filters of the view. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { FilterName, FilterParams, Params, Question } from "../api/client";
import { toBounds } from "../map/antimeridian";
import { type Area, type Filters, LABELS, type Label, type OpenWindow, page } from "./view-state";

/** A filter to exclude, as for lists that also count values that are not selected. */
export type ExcludedFilter = Label | "window" | "hours" | "weekdays" | "area";

/** Returns the parameters of the filters. */
export function filterParams(filters: Filters, excluded: readonly ExcludedFilter[] = []): FilterParams {
  const params: [FilterName, string][] = [];
  for (const label of LABELS) {
    if (excluded.includes(label)) continue;
    for (const value of filters.labels[label]) params.push([label, value]);
  }
  const { start, end } = (!excluded.includes("window") && filters.window) || { start: null, end: null };
  if (start !== null) params.push(["start_time", start]);
  if (end !== null) params.push(["end_time", end]);
  if (!excluded.includes("hours")) for (const hour of filters.hours) params.push(["hour", String(hour)]);
  if (!excluded.includes("weekdays")) for (const day of filters.weekdays) params.push(["weekday", String(day)]);
  if (filters.area && !excluded.includes("area")) params.push(areaParam(filters.area));
  for (const [name, value] of filters.urlOnly) params.push([name, value]);
  return params;
}

/** Returns the parameter of an area. */
export function areaParam(area: Area): [FilterName, string] {
  if (area.kind === "box") return ["bbox", area.box.join(",")];
  const ring = [...area.ring, area.ring[0]];
  return ["polygon", JSON.stringify({ type: "Polygon", coordinates: [ring] })];
}

/** Returns the corners of a box; across the antimeridian they continue beyond 180. */
export function boxCorners(box: readonly [number, number, number, number]): [number, number][] {
  const { west, south, east, north } = toBounds(box);
  return [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
  ];
}

/** Returns a question for counts by dimensions. */
export function countQuestion(
  by: readonly string[],
  filters: FilterParams,
  more: Params<"aggregates"> = [],
): Question<"aggregates"> {
  return { path: "aggregates", params: [["group_by", by.join(",")], ...more, ...filters] };
}

/** Returns the filters with another window. */
export function withWindow(filters: Filters, window: OpenWindow | null): Filters {
  return { ...filters, window };
}

/** A question of the map page; undefined while another page is shown. */
export const whileMapShown = (
  question: () => Question | null | undefined,
): ReadonlySignal<Question | null | undefined> => computed(() => (page.value === "map" ? question() : undefined));
