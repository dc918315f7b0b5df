/** Playback: the window moves through time step by step. */

import { effect, signal } from "@preact/signals";
import { Icon } from "../components/icon";
import { mapAnswer } from "../map/questions";
import { withoutHistoryStep } from "../state/url";
import { filters, page, setFilters } from "../state/view-state";
import { formatWallClock, parseMillis } from "../util/format";
import { addSteps, floorToStep, STEPS, type Step } from "./calendar-steps";
import { dataRange } from "./time-range";

/** Whether playback runs. */
export const playing = signal(false);
const playbackStep = signal<Step>("month");
/** Steps per second at most: playback waits for the map. */
const playbackSpeed = signal(1);

function advanceWindow(): void {
  const all = dataRange.peek();
  if (!all || mapAnswer.peek().loading) return;
  const window = filters.peek().window;
  const at = window?.start ? floorToStep(parseMillis(window.start), playbackStep.peek()) : null;
  let start =
    at === null ? floorToStep(parseMillis(all.start), playbackStep.peek()) : addSteps(at, playbackStep.peek());
  if (start >= parseMillis(all.end)) start = floorToStep(parseMillis(all.start), playbackStep.peek());
  withoutHistoryStep(() =>
    setFilters({
      window: { start: formatWallClock(start), end: formatWallClock(addSteps(start, playbackStep.peek())) },
    }),
  );
}

effect(() => {
  if (!playing.value || page.value !== "map") return;
  const every = 1_000 / playbackSpeed.value;
  advanceWindow();
  const timer = setInterval(advanceWindow, every);
  return () => clearInterval(timer);
});

/** The controls of playback. */
export function PlaybackControls() {
  return (
    <div class="play">
      <button
        type="button"
        aria-pressed={playing.value}
        aria-label={playing.value ? "Pause" : "Play"}
        title={playing.value ? "Pause" : "Play: move the window through time"}
        onClick={() => {
          playing.value = !playing.value;
        }}
      >
        <Icon name={playing.value ? "pause" : "play"} />
      </button>
      <select
        aria-label="Step"
        value={playbackStep.value}
        onChange={event => {
          playbackStep.value = event.currentTarget.value as Step;
        }}
      >
        {STEPS.map(name => (
          <option key={name} value={name}>
            {`1 ${name}`}
          </option>
        ))}
      </select>
      <select
        aria-label="Speed"
        value={String(playbackSpeed.value)}
        onChange={event => {
          playbackSpeed.value = Number(event.currentTarget.value);
        }}
      >
        <option value="0.5">slow</option>
        <option value="1">normal</option>
        <option value="3">fast</option>
      </select>
    </div>
  );
}
