/** Steps of the calendar. Times are wall-clock milliseconds, as if in UTC. */

export type Step = "hour" | "day" | "week" | "month" | "year";
export const STEPS: readonly Step[] = ["hour", "day", "week", "month", "year"];

/** `time_precision` of `/aggregates`, by step. */
export const TIME_PRECISION: Record<Step, string> = { hour: "1h", day: "24h", week: "1w", month: "1mo", year: "1y" };

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 1970-01-05 was a Monday. */
const MONDAY = 4 * DAY;

/** Returns the start of the step that contains a time. */
export function floorToStep(ms: number, step: Step): number {
  const date = new Date(ms);
  if (step === "hour") return Math.floor(ms / HOUR) * HOUR;
  if (step === "day") return Math.floor(ms / DAY) * DAY;
  if (step === "week") return Math.floor((ms - MONDAY) / (7 * DAY)) * 7 * DAY + MONDAY;
  return Date.UTC(date.getUTCFullYear(), step === "month" ? date.getUTCMonth() : 0);
}

/** Returns the start of the step `n` steps later. */
export function addSteps(ms: number, step: Step, n = 1): number {
  const at = floorToStep(ms, step);
  const date = new Date(at);
  if (step === "hour") return at + n * HOUR;
  if (step === "day") return at + n * DAY;
  if (step === "week") return at + n * 7 * DAY;
  if (step === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + n);
  return Date.UTC(date.getUTCFullYear() + n, 0);
}

/** Returns the start of a step that is nearest to a time. */
export function roundToStep(ms: number, step: Step): number {
  const [low, high] = [floorToStep(ms, step), addSteps(ms, step)];
  return ms - low < high - ms ? low : high;
}

/** Returns the step that divides a duration into a few hundred bars. */
export function chooseStep(ms: number): Step {
  if (ms <= 8 * DAY) return "hour";
  if (ms <= 200 * DAY) return "day";
  if (ms <= 1_500 * DAY) return "week";
  return ms <= 10_000 * DAY ? "month" : "year";
}
