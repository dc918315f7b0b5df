/** The resources and cities of the lake. */

import { computed, effect, signal } from "@preact/signals";
import { filters, selectedCity } from "../state/view-state";
import { watchAnswer } from "./answer";
import type { FilterParams, Question } from "./client";
import { lakeVersion } from "./live-updates";
import type { Resource } from "./types";

const RESOURCES_QUESTION: Question = { path: "resources", params: [] };

/** Compactions have no event: `/resources` is polled while batches wait for one. */
const POLL_INTERVAL_MS = 15_000;
const pollCount = signal(0);

/** The resources and their state. */
export const resources = watchAnswer<Resource[]>(
  computed(() => RESOURCES_QUESTION),
  0,
  computed(() => lakeVersion.value + pollCount.value),
);

setInterval(() => {
  if (document.hidden || !resources.peek().rows?.some(resource => resource.pending_batches > 0)) return;
  pollCount.value += 1;
}, POLL_INTERVAL_MS);

/** The resources with rows. */
export const landedResources = computed(() => (resources.value.rows ?? []).filter(resource => resource.landed));

/** The cities with rows. */
export const cities = computed(() =>
  [...new Set(landedResources.value.flatMap(resource => resource.city ?? []))].sort(),
);

/** The city of the resources in the filter. */
const cityOfFilter = computed(() => {
  const chosen = filters.value.labels.resource;
  return landedResources.value.find(({ name }) => chosen.includes(name))?.city ?? null;
});

/** The current city: the selected one, else that of the filter, else the one with the most incidents. */
export const currentCity = computed(() => {
  if (selectedCity.value !== null && cities.value.includes(selectedCity.value)) return selectedCity.value;
  return cityOfFilter.value ?? largestCity.value;
});

/** The city with the most incidents. */
const largestCity = computed(() => {
  const sums = new Map<string, number>();
  for (const { city: name, incidents } of landedResources.value)
    if (name) sums.set(name, (sums.get(name) ?? 0) + incidents);
  return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
});

// If the resource that led to a city is removed from the filter, the city stays.
effect(() => {
  const found = cityOfFilter.value;
  if (selectedCity.value === null && found !== null && found !== largestCity.value) selectedCity.value = found;
});

/** The resources of the current city. */
export const cityResources = computed(() =>
  landedResources.value.filter(resource => resource.city === currentCity.value),
);

/** The filter of the current city, if the lake holds several. */
const cityParams = computed(
  (): FilterParams => (cities.value.length < 2 ? [] : cityResources.value.map(({ name }) => ["resource", name])),
);

/** The parameters of a question, limited to the current city unless they name resources. */
export function withCity(params: FilterParams): FilterParams {
  return params.some(([name]) => name === "resource") ? params : [...cityParams.value, ...params];
}
