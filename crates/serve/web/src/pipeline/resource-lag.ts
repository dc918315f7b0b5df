/** Whether a resource lands as often as its publisher brings something new. */

import type { Resource } from "../api/types";

/** More than that many cadences without a batch is late, as docs/metrics.md says of the alert. */
export const MAX_CADENCES_WITHOUT_BATCH = 3;

export type Lag = "ok" | "late" | "unknown";

/** How a resource stands after `more` seconds beyond what the server said. */
export function classifyLag({ landed, lag_seconds: lag, cadence_seconds: cadence }: Resource, more = 0): Lag {
  if (!landed || lag === null || cadence === null) return "unknown";
  return lag + more > MAX_CADENCES_WITHOUT_BATCH * cadence ? "late" : "ok";
}
