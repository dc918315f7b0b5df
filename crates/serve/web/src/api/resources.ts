/** What there is in the lake. */

import { computed, effect, signal } from "@preact/signals";
import { city, filters } from "../state/view-state";
import { follow } from "./answer";
import type { Question } from "./client";
import { lakeVersion } from "./live-updates";
import type { Resource } from "./types";

const EVERYTHING: Question = { path: "resources", params: [] };

/** Of compactions no event tells: how far they are is asked for now and then, while batches wait for one. */
const COMPACTED_MS = 15_000;
const round = signal(0);

/** The resources and how they stand. */
export const resources = follow<Resource[]>(
  computed(() => EVERYTHING),
  0,
  computed(() => lakeVersion.value + round.value),
);

setInterval(() => {
  if (document.hidden || !resources.peek().rows?.some(resource => resource.pending_batches > 0)) return;
  round.value += 1;
}, COMPACTED_MS);

/** Those with rows. */
export const landed = computed(() => (resources.value.rows ?? []).filter(resource => resource.landed));

/** The cities with rows. */
export const cities = computed(() => [...new Set(landed.value.flatMap(resource => resource.city ?? []))].sort());

/** The city of the resources that are chosen. */
const cityOfChosen = computed(() => {
  const chosen = filters.value.labels.resource;
  return landed.value.find(({ name }) => chosen.includes(name))?.city ?? null;
});

/** The city that is looked at: the one asked for, else that of what is chosen, else the one with the most incidents. */
export const currentCity = computed(() => {
  if (city.value !== null && cities.value.includes(city.value)) return city.value;
  return cityOfChosen.value ?? largest.value;
});

/** The city with the most incidents. */
const largest = computed(() => {
  const sums = new Map<string, number>();
  for (const { city: name, incidents } of landed.value) if (name) sums.set(name, (sums.get(name) ?? 0) + incidents);
  return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
});

// Whoever takes away the resource that led to a city stays there.
effect(() => {
  const found = cityOfChosen.value;
  if (city.value === null && found !== null && found !== largest.value) city.value = found;
});

/** The resources of the city that is looked at. */
export const cityResources = computed(() => landed.value.filter(resource => resource.city === currentCity.value));

/** The filter that keeps to the city, where a lake holds several. */
export const cityParams = computed((): [string, string][] =>
  cities.value.length < 2 ? [] : cityResources.value.map(({ name }): [string, string] => ["resource", name]),
);
