/** Labels of an axis of time: few, where the calendar's steps begin, and with the year where it changes. */

import { addSteps, floorToStep, STEPS, type Step } from "./calendar-steps";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const STEP_MS: Record<Step, number> = { hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY };
/** How many steps there may be from one label to the next. */
const LABEL_INTERVALS: Record<Step, readonly number[]> = {
  hour: [1, 3, 6, 12],
  day: [1, 2],
  week: [1, 2],
  month: [1, 2, 3, 6],
  year: [1, 2, 5, 10, 20, 50, 100, 1_000],
};
/** More than these would touch each other on a narrow axis. */
const MAX_INTERVALS = 5;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function formatLabel(at: number, step: Step, newYear: boolean): string {
  const date = new Date(at);
  const [year, month, hour] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCHours()];
  if (step === "year" || (step === "month" && month === 0)) return String(year);
  if (step === "hour" && hour > 0) return `${String(hour).padStart(2, "0")}:00`;
  const day = step === "month" ? "" : `${date.getUTCDate()} `;
  return `${day}${MONTHS[month]}${newYear ? ` ${year}` : ""}`;
}

/** The labels from one time to another, by where they stand; none is finer than `finest`. */
export function buildTimeLabels(from: number, to: number, finest: Step): Map<number, string> {
  const marks = STEPS.slice(STEPS.indexOf(finest)).flatMap(step => LABEL_INTERVALS[step].map(n => [step, n] as const));
  const [step, n] = marks.find(([step, n]) => to - from <= MAX_INTERVALS * n * STEP_MS[step]) ?? ["year", 1_000];
  const order = (at: number) => {
    const date = new Date(at);
    if (step === "year") return date.getUTCFullYear();
    if (step === "month") return 12 * date.getUTCFullYear() + date.getUTCMonth();
    return Math.floor(at / STEP_MS[step]);
  };
  const labels = new Map<number, string>();
  let year = 0;
  for (let at = floorToStep(from, step); at <= to; at = addSteps(at, step)) {
    if (at < from || order(at) % n !== 0) continue;
    const now = new Date(at).getUTCFullYear();
    labels.set(at, formatLabel(at, step, now !== year));
    // An hour says no year: the first midnight does.
    if (step !== "hour" || floorToStep(at, "day") === at) year = now;
  }
  return labels;
}

/** An axis of time for the chart library, from edge to edge. */
export function buildTimeAxis(from: number, to: number, finest: Step) {
  const labels = buildTimeLabels(from, to, finest);
  return {
    type: "time",
    min: from,
    max: to,
    // No room for bars beyond the ends: they end where the axis does.
    containShape: false,
    splitLine: { show: false },
    axisLabel: {
      customValues: [...labels.keys()],
      formatter: (at: number) => labels.get(at) ?? "",
      hideOverlap: true,
      alignMinLabel: "left",
      alignMaxLabel: "right",
    },
  };
}
