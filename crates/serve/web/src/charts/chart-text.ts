/** Texts for ECharts. */

/** Draws nothing. */
const ZERO_WIDTH_SPACE = "\u200b";

/**
 * Returns a text for a chart. The library keeps names in plain objects, which have members such as `__proto__` and
 * `constructor`: an invisible character before such a name makes it another one.
 */
export const escapeChartText = (text: string): string => (text in Object.prototype ? ZERO_WIDTH_SPACE + text : text);

/** Returns the original text of an escaped one. */
export const unescapeChartText = (text: string): string => (text.startsWith(ZERO_WIDTH_SPACE) ? text.slice(1) : text);
