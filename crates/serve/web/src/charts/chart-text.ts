/** Texts that the chart library is given. */

/** Draws nothing. */
const NOTHING = "\u200b";

/**
 * A text for a chart. The library keeps names in plain objects, where `__proto__` and `constructor` are what every object
 * has: such a name gets a character that is not seen.
 */
export const chartText = (text: string): string => (text in Object.prototype ? NOTHING + text : text);

/** The text that a chart was given. */
export const plainText = (text: string): string => (text.startsWith(NOTHING) ? text.slice(1) : text);
