/** The page's colours for what is drawn on a canvas, which knows no CSS variables. */

/** The colour of a CSS variable of base.css, as it is now. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** From few to many; the light end is near the ground of the theme. */
export const ramp = (dark: boolean): string[] =>
  dark
    ? ["#3a2230", "#6d2d48", "#a13a66", "#d65a8b", "#ff8fb3", "#ffd9e6"]
    : ["#f7dbe5", "#eeb0c6", "#de7ba0", "#c64777", "#98194b", "#5c0a2b"];

/** Series of a chart that are told apart by hue. */
export const hues = (dark: boolean): string[] =>
  dark
    ? ["#ff8fb3", "#86b7f2", "#7fdca4", "#f6c667", "#c9a3f5", "#6fd3d6", "#f3a07b", "#b9c0cc"]
    : ["#b3225a", "#1f5fa8", "#17683b", "#b26a00", "#6b3fa0", "#00757a", "#a4482a", "#5b6472"];
