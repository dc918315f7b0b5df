/** The lag of a resource, compared with its cadence. */

import type { Resource } from "../api/types";

/** A resource is late after more cadences than this without a batch, as in the alert of docs/metrics.md. */
export const MAX_CADENCES_WITHOUT_BATCH = 3;

export type Lag = "ok" | "late" | "unknown";

/** Classifies the lag of a resource, `more` seconds after the server's answer. */
export function classifyLag({ landed, lag_seconds: lag, cadence_seconds: cadence }: Resource, more = 0): Lag {
  if (!landed || lag === null || cadence === null) return "unknown";
  return lag + more > MAX_CADENCES_WITHOUT_BATCH * cadence ? "late" : "ok";
}
