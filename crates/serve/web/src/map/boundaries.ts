/** The boundaries on the map. */

import { computed } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { cities, currentCity } from "../api/resources";
import type { Boundaries } from "../api/types";
import { boundarySet } from "../state/view-state";
import { afterMapDrawn } from "./questions";

/** The tolerance of simplified lines: less than a pixel at the zoom of a city. */
const TOLERANCE_M = "12";

const boundariesAnswer = watchAnswer<Boundaries>(
  afterMapDrawn(() => ({
    path: "boundaries",
    params: [
      ...(cities.value.length > 1 && currentCity.value ? [["city", currentCity.value] as const] : []),
      ["tolerance", TOLERANCE_M] as const,
    ],
  })),
);

/** Whether they are loading. */
export const boundariesLoading = computed(() => boundariesAnswer.value.loading);

const features = computed(() => boundariesAnswer.value.rows?.features ?? []);

/** The sets of boundaries that the city has. */
export const boundarySets = computed(() => [...new Set(features.value.map(f => f.properties.resource))]);

/** The name of the set that is shown; "" if none. */
export const currentBoundarySet = computed(() => {
  if (boundarySet.value !== null) return boundarySet.value;
  const usual = features.value.find(f => f.properties.dimension === "neighborhood") ?? features.value[0];
  return usual?.properties.resource ?? "";
});

/** The boundaries that are shown. */
export const shownBoundaries = computed(
  (): GeoJSON.FeatureCollection => ({
    type: "FeatureCollection",
    features: features.value.filter(f => f.properties.resource === currentBoundarySet.value),
  }),
);
