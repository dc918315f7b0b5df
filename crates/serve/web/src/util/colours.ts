/** The page's colours for what is drawn on a canvas, which knows no CSS variables. */

/** The colour of a CSS variable of base.css, as it is now. */
export const cssColour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Series of a chart that are told apart by hue. */
export const seriesColours = (dark: boolean): string[] =>
  dark
    ? ["#ff8fb3", "#86b7f2", "#7fdca4", "#f6c667", "#c9a3f5", "#6fd3d6", "#f3a07b", "#b9c0cc"]
    : ["#b3225a", "#1f5fa8", "#17683b", "#b26a00", "#6b3fa0", "#00757a", "#a4482a", "#5b6472"];
