/** The notification: a short text that is shown, and read by screen readers, for a few seconds. */

import { signal } from "@preact/signals";

/** How long a notification is shown. */
const SHOWN_MS = 4_000;

/** The text of the notification; "" if there is none. */
export const notification = signal("");
let hideTimer = 0;

/** Shows a notification. */
export function notify(text: string): void {
  notification.value = text;
  clearTimeout(hideTimer);
  hideTimer = window.setTimeout(() => {
    notification.value = "";
  }, SHOWN_MS);
}
