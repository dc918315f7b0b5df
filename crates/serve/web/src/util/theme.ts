/** Light or dark: as the system says, until somebody says otherwise. */

import { computed, effect, signal } from "@preact/signals";

const KEY = "hotspots-lake theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", event => {
  systemIsDark.value = event.matches;
});

const chosen = signal(localStorage.getItem(KEY));

/** Whether the page is dark. */
export const dark = computed(() => (chosen.value === null ? systemIsDark.value : chosen.value === "dark"));

effect(() => {
  document.documentElement.dataset.theme = dark.value ? "dark" : "light";
});

/** The other one, from now on. */
export function switchTheme(): void {
  chosen.value = dark.peek() ? "light" : "dark";
  localStorage.setItem(KEY, chosen.value);
}
