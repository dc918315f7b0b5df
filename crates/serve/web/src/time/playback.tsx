/** The window walks through time. */

import { effect, signal } from "@preact/signals";
import { Icon } from "../components/icon";
import { mapAnswer } from "../map/questions";
import { quietly } from "../state/url";
import { filters, narrow, page } from "../state/view-state";
import { millis, wallClock } from "../util/format";
import { floor, next, STEPS, type Step } from "./calendar-steps";
import { span } from "./time-range";

/** Whether it walks. */
export const playing = signal(false);
const step = signal<Step>("month");
/** Steps a second, at most: the map is waited for. */
const speed = signal(1);

function advance(): void {
  const all = span.peek();
  if (!all || mapAnswer.peek().loading) return;
  const window = filters.peek().window;
  const at = window?.start ? floor(millis(window.start), step.peek()) : null;
  let start = at === null ? floor(millis(all.start), step.peek()) : next(at, step.peek());
  if (start >= millis(all.end)) start = floor(millis(all.start), step.peek());
  quietly(() => narrow({ window: { start: wallClock(start), end: wallClock(next(start, step.peek())) } }));
}

effect(() => {
  if (!playing.value || page.value !== "map") return;
  const every = 1_000 / speed.value;
  advance();
  const timer = setInterval(advance, every);
  return () => clearInterval(timer);
});

/** The controls. */
export function Play() {
  return (
    <div class="play">
      <button
        type="button"
        aria-pressed={playing.value}
        aria-label={playing.value ? "Pause" : "Play"}
        title={playing.value ? "Pause" : "Play: the window walks through time"}
        onClick={() => {
          playing.value = !playing.value;
        }}
      >
        <Icon name={playing.value ? "pause" : "play"} />
      </button>
      <select
        aria-label="Step"
        value={step.value}
        onChange={event => {
          step.value = event.currentTarget.value as Step;
        }}
      >
        {STEPS.map(name => (
          <option key={name} value={name}>
            {name === "hour" ? "an hour" : `a ${name}`}
          </option>
        ))}
      </select>
      <select
        aria-label="Speed"
        value={String(speed.value)}
        onChange={event => {
          speed.value = Number(event.currentTarget.value);
        }}
      >
        <option value="0.5">slow</option>
        <option value="1">normal</option>
        <option value="3">fast</option>
      </select>
    </div>
  );
}
