/** The state of the view: everything that the address holds. */

import { batch, computed, signal } from "@preact/signals";

export type Page = "map" | "sql" | "queries" | "pipeline";
export type Mode = "count" | "compare" | "hotspots";
export type Scale = "quantile" | "linear";
/** The dimensions that are filtered by value. */
export type Label = "resource" | "category" | "district" | "neighborhood";
export const LABELS: readonly Label[] = ["resource", "category", "district", "neighborhood"];

/** A window: half-open, in wall-clock time. */
export interface Window {
  start: string;
  end: string;
}

/** A window with optional ends. */
export interface OpenWindow {
  start: string | null;
  end: string | null;
}

/** Filters that only the address sets; the page can remove them. */
export const URL_ONLY_FILTERS = [
  "subcategory",
  "resource!",
  "category!",
  "subcategory!",
  "district!",
  "neighborhood!",
  "near",
] as const;

/** The area of incidents. */
export type Area =
  | { kind: "box"; box: [number, number, number, number] }
  | { kind: "polygon"; ring: [number, number][] };

/** The filters. */
export interface Filters {
  /** Values by label; `""` matches incidents without one. */
  labels: Record<Label, readonly string[]>;
  window: OpenWindow | null;
  hours: readonly number[];
  /** Monday 1 to Sunday 7. */
  weekdays: readonly number[];
  area: Area | null;
  /** Parameters of {@link URL_ONLY_FILTERS}. */
  urlOnly: readonly (readonly [name: (typeof URL_ONLY_FILTERS)[number], value: string])[];
}

/** The camera of the map. */
export interface Camera {
  lat: number;
  lng: number;
  zoom: number;
  pitch: number;
  bearing: number;
}

export const NO_FILTERS: Filters = {
  labels: { resource: [], category: [], district: [], neighborhood: [] },
  window: null,
  hours: [],
  weekdays: [],
  area: null,
  urlOnly: [],
};

export const page = signal<Page>("map");
export const filters = signal<Filters>(NO_FILTERS);
export const mode = signal<Mode>("count");
/** The second window of a comparison. */
export const comparisonWindow = signal<Window | null>(null);
/** The part of a comparison that the map shows. */
export const comparisonShown = signal<"change" | "a" | "b">("change");
export const scale = signal<Scale>("quantile");
export const tilted = signal(false);
export const camera = signal<Camera | null>(null);
/** The city, if the lake holds several. */
export const selectedCity = signal<string | null>(null);
/** The cell whose details are open. */
export const selectedCell = signal<string | null>(null);
/** Whether charts and facets count only incidents in view. */
export const chartsFollowMap = signal(true);
/** The set of boundaries that is drawn; `""` is none, null the default. */
export const boundarySet = signal<string | null>(null);
/** The window of the histogram; null for all time. */
export const histogramWindow = signal<Window | null>(null);
export const sqlText = signal<string | null>(null);
export const queryName = signal<string | null>(null);
export const queryValues = signal<ReadonlyMap<string, string>>(new Map());

/** Sets some of the filters. */
export function setFilters(change: Partial<Omit<Filters, "labels">>): void {
  filters.value = { ...filters.peek(), ...change };
}

/** Sets the values of a label. */
export function setLabelValues(label: Label, values: readonly string[]): void {
  const { labels, ...rest } = filters.peek();
  filters.value = { ...rest, labels: { ...labels, [label]: values } };
}

/** Adds a value of a label to the filter, or removes it. */
export function toggleLabelValue(label: Label, value: string): void {
  const chosen = filters.peek().labels[label];
  setLabelValues(label, chosen.includes(value) ? chosen.filter(other => other !== value) : [...chosen, value]);
}

/** The number of filters that are set. */
export const filterCount = computed(() => {
  const { labels, window, hours, weekdays, area, urlOnly } = filters.value;
  const chosen = LABELS.filter(label => labels[label].length > 0).length + new Set(urlOnly.map(([name]) => name)).size;
  return chosen + [window !== null, hours.length > 0, weekdays.length > 0, area !== null].filter(Boolean).length;
});

/** Switches to another city and clears what is specific to the one before. */
export function switchCity(name: string): void {
  batch(() => {
    clearFilters();
    selectedCity.value = name;
    camera.value = null;
    selectedCell.value = null;
    histogramWindow.value = null;
    boundarySet.value = null;
  });
}

/** Removes all filters. */
export function clearFilters(): void {
  batch(() => {
    filters.value = NO_FILTERS;
    comparisonWindow.value = null;
    if (mode.peek() === "compare") mode.value = "count";
  });
}
