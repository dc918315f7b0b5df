/** The theme: that of the system until the user chooses one. */

import { computed, effect, signal } from "@preact/signals";

const STORAGE_KEY = "hotspots-lake theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", event => {
  systemIsDark.value = event.matches;
});

const chosenTheme = signal(localStorage.getItem(STORAGE_KEY));

/** Whether the theme is dark. */
export const dark = computed(() => (chosenTheme.value === null ? systemIsDark.value : chosenTheme.value === "dark"));

effect(() => {
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
});

/** Switches between light and dark, and stores the choice. */
export function toggleTheme(): void {
  chosenTheme.value = dark.peek() ? "light" : "dark";
  localStorage.setItem(STORAGE_KEY, chosenTheme.value);
}
