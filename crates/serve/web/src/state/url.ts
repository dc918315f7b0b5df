/** The address of the page holds the view, with the parameters of `/aggregates` for filters. */

import { batch, effect } from "@preact/signals";
import { isValidCell } from "h3-js";
import { parseMillis } from "../util/format";
import * as view from "./view-state";

/** Sets the view from the query string of an address. Invalid values are ignored. */
export function restoreView(search: string): void {
  const params = new URLSearchParams(search);
  const one = <T extends string>(name: string, values: readonly T[], otherwise: T): T =>
    values.find(value => value === params.get(name)) ?? otherwise;
  const numbers = (name: string, from: number, to: number) =>
    [...new Set(params.getAll(name).map(Number))].filter(n => Number.isInteger(n) && n >= from && n <= to);
  batch(() => {
    view.page.value = one("page", ["map", "sql", "queries", "pipeline"], "map");
    view.mode.value = one("show", ["count", "compare", "hotspots"], "count");
    view.scale.value = one("scale", ["quantile", "linear"], "quantile");
    view.comparisonShown.value = one("compare", ["change", "a", "b"], "change");
    view.tilted.value = params.get("tilted") === "true";
    view.chartsFollowMap.value = params.get("charts") !== "all";
    view.selectedCity.value = params.get("city");
    const selected = params.get("selected");
    view.selectedCell.value = selected !== null && isValidCell(selected) ? selected : null;
    view.camera.value = parseCamera(params.get("at"));
    view.comparisonWindow.value = parseWindow(params.get("b_start"), params.get("b_end"));
    const labels = { ...view.NO_FILTERS.labels };
    for (const label of view.LABELS) labels[label] = [...new Set(params.getAll(label))];
    view.filters.value = {
      labels,
      window: parseOpenWindow(params.get("start_time"), params.get("end_time")),
      hours: numbers("hour", 0, 23),
      weekdays: numbers("weekday", 1, 7),
      area: parseArea(params.get("bbox"), params.get("polygon")),
      urlOnly: view.URL_ONLY_FILTERS.flatMap(name => params.getAll(name).map(value => [name, value] as const)),
    };
    view.boundarySet.value = params.get("outlines");
    view.histogramWindow.value = parseWindow(params.get("from"), params.get("to"));
    // On other pages the text of the query stays.
    if (view.page.peek() === "sql" || params.has("sql")) view.sqlText.value = params.get("sql");
    view.queryName.value = params.get("query");
    const values = [...params].filter(([name]) => name.startsWith("p."));
    view.queryValues.value = new Map(values.map(([name, value]) => [name.slice(2), value]));
  });
}

/** Returns the view as a query string, without defaults. */
export function formatSearch(): string {
  const params = new URLSearchParams();
  const put = (name: string, value: string | null, fallback: string | null = null) => {
    if (value !== fallback && value !== null) params.append(name, value);
  };
  put("page", view.page.value, "map");
  put("city", view.selectedCity.value);
  const { labels, window, hours, weekdays, area, urlOnly } = view.filters.value;
  for (const label of view.LABELS) for (const value of labels[label]) params.append(label, value);
  put("start_time", window?.start ?? null);
  put("end_time", window?.end ?? null);
  for (const hour of hours) params.append("hour", String(hour));
  for (const weekday of weekdays) params.append("weekday", String(weekday));
  if (area?.kind === "box") put("bbox", area.box.join(","));
  if (area?.kind === "polygon") put("polygon", area.ring.map(([lng, lat]) => `${lng} ${lat}`).join(","));
  for (const [name, value] of urlOnly) params.append(name, value);
  put("show", view.mode.value, "count");
  put("b_start", view.comparisonWindow.value?.start ?? null);
  put("b_end", view.comparisonWindow.value?.end ?? null);
  put("compare", view.comparisonShown.value, "change");
  put("scale", view.scale.value, "quantile");
  put("tilted", String(view.tilted.value), "false");
  put("charts", view.chartsFollowMap.value ? "view" : "all", "view");
  put("selected", view.selectedCell.value);
  put("outlines", view.boundarySet.value);
  put("from", view.histogramWindow.value?.start ?? null);
  put("to", view.histogramWindow.value?.end ?? null);
  const at = view.camera.value;
  if (at) {
    const numbers = [at.lat.toFixed(5), at.lng.toFixed(5), at.zoom.toFixed(2)];
    if (at.pitch || at.bearing) numbers.push(at.pitch.toFixed(0), at.bearing.toFixed(0));
    put("at", numbers.join(","));
  }
  if (view.page.value === "sql") put("sql", view.sqlText.value);
  if (view.page.value === "queries") {
    put("query", view.queryName.value);
    for (const [name, value] of view.queryValues.value) put(`p.${name}`, value, "");
  }
  return params.toString();
}

/** Parses a time as `/aggregates` does: wall-clock time, with an optional Z that is ignored. */
function parseTime(text: string | null): string | null {
  const [, date, clock] =
    /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?[Zz]?$/.exec(text?.trim() ?? "") ?? [];
  if (date === undefined) return null;
  return clock === undefined ? date : `${date}T${clock}`;
}

function parseOpenWindow(from: string | null, until: string | null): view.OpenWindow | null {
  const [start, end] = [parseTime(from), parseTime(until)];
  if (start === null && end === null) return null;
  return start !== null && end !== null && parseMillis(start) >= parseMillis(end) ? null : { start, end };
}

function parseWindow(from: string | null, until: string | null): view.Window | null {
  const { start, end } = parseOpenWindow(from, until) ?? { start: null, end: null };
  return start !== null && end !== null ? { start, end } : null;
}

function parseCamera(text: string | null): view.Camera | null {
  const [lat, lng, zoom, pitch = 0, bearing = 0] = (text ?? "").split(",").map(Number);
  const complete = lat !== undefined && lng !== undefined && zoom !== undefined;
  if (!complete || ![lat, lng, zoom, pitch, bearing].every(Number.isFinite) || Math.abs(lat) > 90) return null;
  return { lat, lng, zoom, pitch, bearing };
}

function parseArea(box: string | null, polygon: string | null): view.Area | null {
  if (polygon) {
    const ring = polygon.split(",").map(pair => pair.split(" ").map(Number));
    const valid = ring.length >= 3 && ring.every(pair => pair.length === 2 && pair.every(Number.isFinite));
    return valid ? { kind: "polygon", ring: ring as [number, number][] } : null;
  }
  const numbers = (box ?? "").split(",").map(Number);
  const valid = numbers.length === 4 && numbers.every(Number.isFinite) && box !== "";
  return valid ? { kind: "box", box: numbers as [number, number, number, number] } : null;
}

/** Whether the address has another query string. */
const differsFromAddress = (search: string) => location.search !== (search === "" ? "" : `?${search}`);

/** Whether a change belongs to the previous step of the history. */
let inSameStep = false;

/** Makes a change without a step of its own in the browser's history. */
export function withoutHistoryStep(change: () => void): void {
  inSameStep = true;
  change();
  // Effects of an outer batch run after it.
  queueMicrotask(() => {
    inSameStep = false;
  });
}

/** Filters that change faster are one step: browsers limit the rate of steps. */
const MIN_STEP_INTERVAL_MS = 1_000;
/** Changes that are not steps are written after a pause. */
const WRITE_DELAY_MS = 200;

/**
 * Keeps the address and the view in sync. Changes of the page and of filters are steps in the browser's history; others
 * are not.
 */
export function syncAddress(): void {
  restoreView(location.search);
  const filterState = () => [view.filters.peek(), view.mode.peek(), view.comparisonWindow.peek()] as const;
  let last = { page: view.page.peek(), filterState: filterState() };
  let lastStepAt = Number.NEGATIVE_INFINITY;
  let restoring = false;
  window.addEventListener("popstate", () => {
    restoring = true;
    flush = () => {};
    restoreView(location.search);
    restoring = false;
  });
  let timer = 0;
  /** Writes a pending change. */
  let flush = () => {};
  effect(() => {
    const search = formatSearch();
    const now = { page: view.page.peek(), filterState: filterState() };
    const filtersChanged = !inSameStep && now.filterState.some((value, n) => value !== last.filterState[n]);
    const step =
      !restoring &&
      (now.page !== last.page || (filtersChanged && performance.now() - lastStepAt > MIN_STEP_INTERVAL_MS)) &&
      differsFromAddress(search);
    last = now;
    clearTimeout(timer);
    const writeAddress = () => {
      flush = () => {};
      delete document.documentElement.dataset.moving;
      const target = search === "" ? location.pathname : `?${search}`;
      if (step) history.pushState(null, "", target);
      else if (differsFromAddress(search)) history.replaceState(null, "", target);
    };
    if (step) {
      lastStepAt = performance.now();
      flush();
      writeAddress();
    } else {
      document.documentElement.dataset.moving = "";
      flush = writeAddress;
      timer = window.setTimeout(writeAddress, WRITE_DELAY_MS);
    }
  });
}
