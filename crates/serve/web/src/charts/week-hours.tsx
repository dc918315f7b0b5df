/** Hours of the week: a grid of weekdays and hours that sets filters. */

import { computed, signal } from "@preact/signals";
import { watchAnswer } from "../api/answer";
import { withCity } from "../api/resources";
import type { Count } from "../api/types";
import { Panel } from "../components/panel";
import { sequentialScale } from "../map/colour-scale";
import { afterMapDrawn, chartsFilter } from "../map/questions";
import { countQuestion, filterParams } from "../state/questions";
import { filters, setFilters } from "../state/view-state";
import { formatInteger } from "../util/format";
import { dark } from "../util/theme";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

const answer = watchAnswer<Count[]>(
  afterMapDrawn(() => {
    const given = withCity(filterParams(filters.value, ["hours", "weekdays"]));
    return countQuestion(["weekday", "hour"], given, [["dated", "true"], ...chartsFilter.value]);
  }),
);

const rows = computed(() => answer.value.rows ?? []);
const byHour = computed(() => new Map(rows.value.map(row => [`${row.weekday} ${row.hour}`, row.count])));

const isFiltered = () => filters.value.hours.length > 0 || filters.value.weekdays.length > 0;

interface WeekHour {
  weekday: number;
  hour: number;
}
/** The first corner of a block that is being dragged. */
const dragStart = signal<WeekHour | null>(null);

const listBetween = (a: number, b: number) => Array.from({ length: Math.abs(a - b) + 1 }, (_, n) => Math.min(a, b) + n);
const toFilters = (days: readonly number[], hours: readonly number[]) => ({
  weekdays: days.length === 7 ? [] : days,
  hours: hours.length === 24 ? [] : hours,
});

function filterBlock(a: WeekHour, b: WeekHour): void {
  setFilters(toFilters(listBetween(a.weekday, b.weekday), listBetween(a.hour, b.hour)));
}

/** The moves of arrow keys: weekdays and hours. */
const ARROW_STEPS = new Map([
  ["ArrowRight", [0, 1]],
  ["ArrowLeft", [0, -1]],
  ["ArrowDown", [1, 0]],
  ["ArrowUp", [-1, 0]],
]);

/** The grid. It is a component of its own so that the loading state does not render it again. */
function WeekGrid() {
  const { hours, weekdays } = filters.value;
  const ramp = sequentialScale([...byHour.value.values()], "linear", dark.value);
  const inside = (weekday: number, hour: number) =>
    (weekdays.length === 0 || weekdays.includes(weekday)) && (hours.length === 0 || hours.includes(hour));
  const some = isFiltered();
  const day = (weekday: number) => {
    const on = weekdays.length === 1 && weekdays[0] === weekday;
    return (
      <th scope="row">
        <button type="button" aria-pressed={on} onClick={() => setFilters({ weekdays: on ? [] : [weekday] })}>
          {DAYS[weekday - 1]}
        </button>
      </th>
    );
  };
  const square = (weekday: number, hour: number) => {
    const count = byHour.value.get(`${weekday} ${hour}`) ?? 0;
    const corner = { weekday, hour };
    const label = `${DAYS[weekday - 1]} ${hour}:00, ${formatInteger(count)}`;
    const pick = () => (alone ? setFilters({ hours: [], weekdays: [] }) : filterBlock(corner, corner));
    const alone = hours.length === 1 && weekdays.length === 1 && inside(weekday, hour);
    return (
      <td key={hour}>
        <button
          type="button"
          class={inside(weekday, hour) ? "" : "outside"}
          style={{ background: count === 0 ? "transparent" : ramp.colour(count) }}
          title={label}
          aria-label={label}
          aria-pressed={some && inside(weekday, hour)}
          data-weekday={weekday}
          data-hour={hour}
          data-count={count}
          // One tab stop; arrow keys move within the grid.
          tabIndex={weekday === 1 && hour === 0 ? 0 : -1}
          // Clicks of screen readers have no pointer events.
          onClick={event => {
            if (event.detail === 0) pick();
          }}
          onPointerDown={event => {
            event.currentTarget.releasePointerCapture?.(event.pointerId);
            dragStart.value = corner;
          }}
          onPointerUp={() => {
            const from = dragStart.value;
            dragStart.value = null;
            if (!from) return;
            if (from.weekday === weekday && from.hour === hour && alone) setFilters({ hours: [], weekdays: [] });
            else filterBlock(from, corner);
          }}
          onKeyDown={event => {
            const step = ARROW_STEPS.get(event.key);
            // The browser turns Enter and Space into clicks.
            if (step) {
              event.preventDefault();
              const to = `[data-weekday="${weekday + (step[0] ?? 0)}"][data-hour="${hour + (step[1] ?? 0)}"]`;
              event.currentTarget.closest("table")?.querySelector<HTMLElement>(to)?.focus();
            }
          }}
        />
      </td>
    );
  };
  return (
    <table class="week">
      <caption class="hidden">Incidents by day of the week and hour of the day</caption>
      <thead>
        <tr>
          <td />
          {HOURS.map(hour => (
            <th key={hour} scope="col">
              {hour % 6 === 0 ? hour : <span class="hidden">{hour}</span>}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {DAYS.map((name, n) => (
          <tr key={name}>
            {day(n + 1)}
            {HOURS.map(hour => square(n + 1, hour))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The panel. */
export function WeekHours() {
  return (
    <Panel
      title="Hours of the week"
      answer={answer.value}
      empty={byHour.value.size === 0}
      note={
        isFiltered() ? (
          <button type="button" class="link" onClick={() => setFilters({ hours: [], weekdays: [] })}>
            Clear
          </button>
        ) : (
          "drag to filter"
        )
      }
    >
      <WeekGrid />
    </Panel>
  );
}
