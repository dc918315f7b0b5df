/** Numbers and times for people. */

const WHOLE = new Intl.NumberFormat("en");
const SIGNIFICANT = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** A whole number, all of it. */
export const formatInteger = (n: number): string => WHOLE.format(n);

/** A number in few characters. */
export const formatCompact = (n: number): string => SHORT.format(n);

/** A number that may be a part of one, as exact as it is read; with a true minus. */
export const formatNumber = (n: number): string =>
  `${n < 0 ? "−" : ""}${(Math.abs(n) < 1_000 && !Number.isInteger(n) ? SIGNIFICANT : WHOLE).format(Math.abs(n))}`;

/** What is counted, after its number. */
export const incidentNoun = (n: number): string => (n === 1 ? "incident" : "incidents");

/** A signed number. */
export const formatSigned = (n: number): string => `${n > 0 ? "+" : ""}${formatNumber(n)}`;

/** A wall-clock time as milliseconds, as if it were UTC: only differences and calendars are made of it. */
export const parseMillis = (text: string): number =>
  Date.parse(text.length === 10 ? `${text}T00:00Z` : `${text.replace(/Z$/, "")}Z`);

/** Milliseconds as a wall-clock time, the date alone at midnight. */
export function formatWallClock(ms: number): string {
  const text = new Date(ms).toISOString();
  return text.slice(11, 16) === "00:00" ? text.slice(0, 10) : text.slice(0, 16);
}

/** A wall-clock time for people. */
export const formatTime = (text: string | null): string =>
  text ? text.replace("T", " ").replace(/(:\d\d)(:\d\d(\.\d+)?)?Z?$/, "$1") : "no time";

/** A duration for people. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** A probability for people. */
export const probability = (p: number): string => (p < 0.0001 ? "< 0.0001" : p.toFixed(4));

/** A label that may be absent. */
export const labelText = (label: string | null | undefined): string => (label ? label : "(none)");
