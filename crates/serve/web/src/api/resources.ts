/** What there is in the lake. */

import { computed, effect, signal } from "@preact/signals";
import { filters, selectedCity } from "../state/view-state";
import { watchAnswer } from "./answer";
import type { Question } from "./client";
import { lakeVersion } from "./live-updates";
import type { Resource } from "./types";

const RESOURCES_QUESTION: Question = { path: "resources", params: [] };

/** Of compactions no event tells: how far they are is asked for now and then, while batches wait for one. */
const POLL_INTERVAL_MS = 15_000;
const pollCount = signal(0);

/** The resources and how they stand. */
export const resources = watchAnswer<Resource[]>(
  computed(() => RESOURCES_QUESTION),
  0,
  computed(() => lakeVersion.value + pollCount.value),
);

setInterval(() => {
  if (document.hidden || !resources.peek().rows?.some(resource => resource.pending_batches > 0)) return;
  pollCount.value += 1;
}, POLL_INTERVAL_MS);

/** Those with rows. */
export const landedResources = computed(() => (resources.value.rows ?? []).filter(resource => resource.landed));

/** The cities with rows. */
export const cities = computed(() =>
  [...new Set(landedResources.value.flatMap(resource => resource.city ?? []))].sort(),
);

/** The city of the resources that are chosen. */
const cityOfFilter = computed(() => {
  const chosen = filters.value.labels.resource;
  return landedResources.value.find(({ name }) => chosen.includes(name))?.city ?? null;
});

/** The city that is looked at: the one asked for, else that of what is chosen, else the one with the most incidents. */
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

// Whoever takes away the resource that led to a city stays there.
effect(() => {
  const found = cityOfFilter.value;
  if (selectedCity.value === null && found !== null && found !== largestCity.value) selectedCity.value = found;
});

/** The resources of the city that is looked at. */
export const cityResources = computed(() =>
  landedResources.value.filter(resource => resource.city === currentCity.value),
);

/** The filter that keeps to the city, where a lake holds several. */
const cityParams = computed((): [string, string][] =>
  cities.value.length < 2 ? [] : cityResources.value.map(({ name }): [string, string] => ["resource", name]),
);

/** The parameters of a question, limited to the current city unless they name resources. */
export function withCity(params: [string, string][]): [string, string][] {
  return params.some(([name]) => name === "resource") ? params : [...cityParams.value, ...params];
}
