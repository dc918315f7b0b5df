/** Values to choose from, for parameters that are named like a label of incidents. */

import { computed } from "@preact/signals";
import { follow } from "../api/answer";
import type { Question } from "../api/client";
import { landed } from "../api/resources";
import { queryValues } from "../state/view-state";
import { chosen } from "./named-queries";

const FACETS = ["category", "subcategory", "district", "neighborhood"];
const MOST = 200;

const question = computed((): Question | null => {
  const wanted = chosen.value?.parameters.map(({ name }) => name).filter(name => FACETS.includes(name)) ?? [];
  if (wanted.length === 0) return null;
  const resource = queryValues.value.get("resource");
  const known = landed.value.some(({ name }) => name === resource);
  return {
    path: "facets",
    params: [
      ["facet", wanted.join(",")],
      ["limit", String(MOST)],
      ...(resource && known ? [["resource", resource] as const] : []),
    ],
  };
});

const facets = follow<{ facet: string; value: string | null; count: number }[]>(question);

/** The values by the name of the parameter; the most frequent first. */
export const values = computed((): ReadonlyMap<string, string[]> => {
  const found = new Map([["resource", landed.value.map(({ name }) => name)]]);
  for (const { facet, value } of facets.value.rows ?? []) {
    if (value !== null) found.set(facet, [...(found.get(facet) ?? []), value]);
  }
  return found;
});
