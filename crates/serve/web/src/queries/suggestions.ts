/** Suggested values for parameters that are named like a label. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import type { Question } from "../api/client";
import { landedResources } from "../api/resources";
import { queryValues } from "../state/view-state";
import { selectedQuery } from "./named-queries";

const LABEL_PARAMETERS = ["category", "subcategory", "district", "neighborhood"];
const MAX_VALUES = 200;

const question = computed((): Question | null => {
  const labels =
    selectedQuery.value?.parameters.map(({ name }) => name).filter(name => LABEL_PARAMETERS.includes(name)) ?? [];
  if (labels.length === 0) return null;
  const resource = queryValues.value.get("resource");
  const exists = landedResources.value.some(({ name }) => name === resource);
  return {
    path: "facets",
    params: [
      ["facet", labels.join(",")],
      ["limit", String(MAX_VALUES)],
      ...(resource && exists ? [["resource", resource] as const] : []),
    ],
  };
});

const facets = watchAnswer<{ facet: string; value: string | null; count: number }[]>(question);

/** The values by parameter name, most frequent first. */
export const suggestedValues = computed((): ReadonlyMap<string, string[]> => {
  const found = new Map([["resource", landedResources.value.map(({ name }) => name)]]);
  for (const { facet, value } of facets.value.rows ?? []) {
    if (value !== null) found.set(facet, [...(found.get(facet) ?? []), value]);
  }
  return found;
});
