/** Colours of the page for canvases, which do not read CSS variables. */

/** Returns the current colour of a CSS variable of base.css. */
export const cssColour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Colours for the series of a chart. */
export const seriesColours = (dark: boolean): string[] =>
  dark
    ? ["#ff8fb3", "#86b7f2", "#7fdca4", "#f6c667", "#c9a3f5", "#6fd3d6", "#f3a07b", "#b9c0cc"]
    : ["#b3225a", "#1f5fa8", "#17683b", "#b26a00", "#6b3fa0", "#00757a", "#a4482a", "#5b6472"];
