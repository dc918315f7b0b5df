/** How much room there is, or was when the page was opened. */

/** A phone: what is beside on a desk is folded above. */
export const isPhone = window.matchMedia("(max-width: 760px)").matches;

/** Whether the map, its filters and its charts take turns: the same rule as in map.css. */
export const stackedLayout = window.matchMedia("(max-width: 900px), (max-height: 500px)");

/** Room for a legend beside all that lies over the map. */
export const hasLegendRoom = window.matchMedia("(min-width: 901px) and (min-height: 640px)").matches;
