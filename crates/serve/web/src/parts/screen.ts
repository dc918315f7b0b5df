/** How much room there was when the page was opened. */

/** A phone: what is beside on a desk is folded above. */
export const narrow = window.matchMedia("(max-width: 760px)").matches;
