/** Labels of a time axis: few, at the start of calendar steps, with the year when it changes. */

import { addSteps, floorToStep, STEPS, type Step } from "./calendar-steps";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const STEP_MS: Record<Step, number> = { hour: HOUR, day: DAY, week: 7 * DAY, month: 30 * DAY, year: 365 * DAY };
/** Possible numbers of steps between labels. */
const LABEL_INTERVALS: Record<Step, readonly number[]> = {
  hour: [1, 3, 6, 12],
  day: [1, 2],
  week: [1, 2],
  month: [1, 2, 3, 6],
  year: [1, 2, 5, 10, 20, 50, 100, 1_000],
};
/** More labels would overlap on a narrow axis. */
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

/** Returns the labels of a range by their time; none is finer than `finest`. */
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
    // The label of an hour has no year: that of midnight has.
    if (step !== "hour" || floorToStep(at, "day") === at) year = now;
  }
  return labels;
}

/** Returns a time axis for ECharts, from edge to edge. */
export function buildTimeAxis(from: number, to: number, finest: Step) {
  const labels = buildTimeLabels(from, to, finest);
  return {
    type: "time",
    min: from,
    max: to,
    // Bars do not extend beyond the ends of the axis.
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
