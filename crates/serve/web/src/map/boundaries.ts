/** The boundaries that carry the eye where there is no base map. */

import { computed } from "@preact/signals";
import { follow } from "../api/answer";
import { cities, currentCity } from "../api/resources";
import { outlineSet } from "../state/view-state";
import { afterMap } from "./questions";

interface Boundaries extends GeoJSON.FeatureCollection {
  features: GeoJSON.Feature<GeoJSON.Geometry, { resource: string; dimension: string; label: string; city: string }>[];
}

/** Lines may leave the published ones by this much: less than a pixel at the zoom of a city. */
const TOLERANCE_M = "12";

const all = follow<Boundaries>(
  afterMap(() => ({
    path: "boundaries",
    params: [
      ...(cities.value.length > 1 && currentCity.value ? [["city", currentCity.value] as const] : []),
      ["tolerance", TOLERANCE_M] as const,
    ],
  })),
);

/** Whether they are on their way. */
export const awaited = computed(() => all.value.loading);

const features = computed(() => all.value.rows?.features ?? []);

/** The sets of boundaries that the city has. */
export const sets = computed(() => [...new Set(features.value.map(f => f.properties.resource))]);

/** The set that is shown. */
export const currentSet = computed(() => {
  if (outlineSet.value !== null) return outlineSet.value;
  const usual = features.value.find(f => f.properties.dimension === "neighborhood") ?? features.value[0];
  return usual?.properties.resource ?? "";
});

/** The boundaries that are shown. */
export const outlines = computed(
  (): GeoJSON.FeatureCollection => ({
    type: "FeatureCollection",
    features: features.value.filter(f => f.properties.resource === currentSet.value),
  }),
);
