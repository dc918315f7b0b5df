/** Values to choose from, for parameters that are named like a label of incidents. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import type { Question } from "../api/client";
import { landedResources } from "../api/resources";
import { queryValues } from "../state/view-state";
import { selectedQuery } from "./named-queries";

const LABEL_PARAMETERS = ["category", "subcategory", "district", "neighborhood"];
const MAX_VALUES = 200;

const question = computed((): Question | null => {
  const wanted =
    selectedQuery.value?.parameters.map(({ name }) => name).filter(name => LABEL_PARAMETERS.includes(name)) ?? [];
  if (wanted.length === 0) return null;
  const resource = queryValues.value.get("resource");
  const known = landedResources.value.some(({ name }) => name === resource);
  return {
    path: "facets",
    params: [
      ["facet", wanted.join(",")],
      ["limit", String(MAX_VALUES)],
      ...(resource && known ? [["resource", resource] as const] : []),
    ],
  };
});

const facets = watchAnswer<{ facet: string; value: string | null; count: number }[]>(question);

/** The values by the name of the parameter; the most frequent first. */
export const suggestedValues = computed((): ReadonlyMap<string, string[]> => {
  const found = new Map([["resource", landedResources.value.map(({ name }) => name)]]);
  for (const { facet, value } of facets.value.rows ?? []) {
    if (value !== null) found.set(facet, [...(found.get(facet) ?? []), value]);
  }
  return found;
});
