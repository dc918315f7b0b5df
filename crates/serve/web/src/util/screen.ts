/** The size of the screen. */

/** Whether the screen was as narrow as a phone's when the page was opened. */
export const isPhone = window.matchMedia("(max-width: 760px)").matches;

/** Matches if map, filters and charts are shown one at a time; the same rule as in map.css. */
export const stackedLayout = window.matchMedia("(max-width: 900px), (max-height: 500px)");

/** Whether the open legend fitted next to the controls when the page was opened. */
export const hasLegendRoom = window.matchMedia("(min-width: 901px) and (min-height: 640px)").matches;
