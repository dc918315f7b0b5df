/** Whether a resource lands as often as its publisher brings something new. */

import type { Resource } from "../api/types";

/** More than that many cadences without a batch is late, as docs/metrics.md says of the alert. */
export const LATE_AFTER = 3;

export type Lag = "ok" | "late" | "unknown";

/** How a resource stands after `more` seconds beyond what the server said. */
export function lagOf({ landed, lag_seconds: lag, cadence_seconds: cadence }: Resource, more = 0): Lag {
  if (!landed || lag === null || cadence === null) return "unknown";
  return lag + more > LATE_AFTER * cadence ? "late" : "ok";
}
