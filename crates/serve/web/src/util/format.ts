/** Formats of numbers, times and labels. */

const WHOLE = new Intl.NumberFormat("en");
const SIGNIFICANT = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** Formats a number with all its digits. */
export const formatInteger = (n: number): string => WHOLE.format(n);

/** Formats a number in few characters, such as 1.2K. */
export const formatCompact = (n: number): string => SHORT.format(n);

/** Formats a number below 1,000 with three significant digits, and with a minus sign instead of a hyphen. */
export const formatNumber = (n: number): string =>
  `${n < 0 ? "−" : ""}${(Math.abs(n) < 1_000 && !Number.isInteger(n) ? SIGNIFICANT : WHOLE).format(Math.abs(n))}`;

/** The noun after a number of incidents. */
export const incidentNoun = (n: number): string => (n === 1 ? "incident" : "incidents");

/** Formats a number with its sign. */
export const formatSigned = (n: number): string => `${n > 0 ? "+" : ""}${formatNumber(n)}`;

/** Parses a wall-clock time as if it were UTC; the result is for differences and calendars only. */
export const parseMillis = (text: string): number =>
  Date.parse(text.length === 10 ? `${text}T00:00Z` : `${text.replace(/Z$/, "")}Z`);

/** Formats milliseconds as a wall-clock time; only the date at midnight. */
export function formatWallClock(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.slice(11, 16) === "00:00" ? text.slice(0, 10) : text.slice(0, 16);
}

/** Formats a wall-clock time for display. */
export const formatTime = (text: string | null): string =>
  text ? text.replace("T", " ").replace(/(:\d\d)(:\d\d(\.\d+)?)?Z?$/, "$1") : "no time";

/** Formats a duration. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Formats a probability. */
export const probability = (p: number): string => (p < 0.0001 ? "< 0.0001" : p.toFixed(4));

/** Returns the text of a label that may be absent. */
export const labelText = (label: string | null | undefined): string => (label ? label : "(none)");
