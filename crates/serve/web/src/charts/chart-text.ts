/** Texts that the chart library is given. */

/** Draws nothing. */
const ZERO_WIDTH_SPACE = "\u200b";

/**
 * A text for a chart. The library keeps names in plain objects, where `__proto__` and `constructor` are what every object
 * has: such a name gets a character that is not seen.
 */
export const escapeChartText = (text: string): string => (text in Object.prototype ? ZERO_WIDTH_SPACE + text : text);

/** The text that a chart was given. */
export const unescapeChartText = (text: string): string => (text.startsWith(ZERO_WIDTH_SPACE) ? text.slice(1) : text);
