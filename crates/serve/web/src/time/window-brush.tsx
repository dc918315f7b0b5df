/** The brush over the histogram: draws, moves and resizes the window with the pointer or keys. */

import { useRef } from "preact/hooks";
import { withoutHistoryStep } from "../state/url";
import type { Window } from "../state/view-state";
import { formatTime, formatWallClock, parseMillis } from "../util/format";
import { addSteps, roundToStep, type Step } from "./calendar-steps";

interface Props {
  /** The window of the histogram. */
  shown: Window;
  window: Window | null;
  /** The second window of a comparison. */
  other: Window | null;
  step: Step;
  change: (window: Window | null) => void;
}

type Grip = "new" | "move" | "start" | "end";

/** The brush. */
export function WindowBrush({ shown, window, other, step, change }: Props) {
  const strip = useRef<HTMLDivElement>(null);
  const drag = useRef<{ grip: Grip; from: number; window: Window | null; moved: boolean } | null>(null);
  const [from, to] = [parseMillis(shown.start), parseMillis(shown.end)];
  const part = (text: string) => `${(100 * (Math.min(Math.max(parseMillis(text), from), to) - from)) / (to - from)}%`;
  const width = ({ start, end }: Window) => `calc(${part(end)} - ${part(start)})`;
  const at = (event: PointerEvent) => {
    const box = strip.current?.getBoundingClientRect();
    if (!box || box.width === 0) return from;
    return from + (Math.min(Math.max(event.clientX - box.left, 0), box.width) / box.width) * (to - from);
  };
  const makeWindow = (a: number, b: number): Window | null => {
    const [start, end] = [roundToStep(Math.min(a, b), step), roundToStep(Math.max(a, b), step)];
    return start < end ? { start: formatWallClock(start), end: formatWallClock(end) } : null;
  };
  const startDrag = (grip: Grip) => (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.preventDefault();
    strip.current?.setPointerCapture(event.pointerId);
    drag.current = { grip, from: at(event), window, moved: false };
  };
  /** One drag is one step of the history. */
  const setWindow = (next: Window | null) => {
    if (!next || !drag.current) return;
    if (drag.current.moved) withoutHistoryStep(() => change(next));
    else change(next);
    drag.current.moved = true;
  };
  const move = (event: PointerEvent) => {
    if (!drag.current) return;
    const { grip, from: origin, window: initial } = drag.current;
    const now = at(event);
    if (grip === "new") {
      setWindow(makeWindow(origin, now));
    } else if (initial) {
      const by = now - origin;
      const start = parseMillis(initial.start) + (grip === "end" ? 0 : by);
      const end = parseMillis(initial.end) + (grip === "start" ? 0 : by);
      setWindow(start < end ? makeWindow(start, end) : null);
    }
  };
  const release = (event: PointerEvent) => {
    const ended = drag.current;
    drag.current = null;
    // A click outside the window removes it.
    if (ended?.grip === "new" && !makeWindow(ended.from, at(event))) change(null);
  };
  const handleKey = (edge: "start" | "end") => (event: KeyboardEvent) => {
    if (!window) return;
    const n =
      event.key === "ArrowRight" || event.key === "ArrowUp"
        ? 1
        : event.key === "ArrowLeft" || event.key === "ArrowDown"
          ? -1
          : 0;
    if (n === 0) return;
    event.preventDefault();
    const moved = { ...window, [edge]: formatWallClock(addSteps(parseMillis(window[edge]), step, n)) };
    if (moved.start < moved.end) change(moved);
  };
  const handle = (edge: "start" | "end") =>
    window && (
      <div
        class="handle"
        role="slider"
        tabIndex={0}
        aria-label={edge === "start" ? "Start of the window" : "End of the window (exclusive)"}
        aria-valuemin={from}
        aria-valuemax={to}
        aria-valuenow={parseMillis(window[edge])}
        aria-valuetext={formatTime(window[edge])}
        style={{ left: part(window[edge]) }}
        onPointerDown={startDrag(edge)}
        onKeyDown={handleKey(edge)}
      />
    );
  return (
    <div
      class="brush"
      ref={strip}
      data-testid="brush"
      onPointerDown={startDrag("new")}
      onPointerMove={move}
      onPointerUp={release}
      onPointerCancel={release}
    >
      {other && <div class="window other" style={{ left: part(other.start), width: width(other) }} />}
      {window && (
        <div
          class="window"
          style={{ left: part(window.start), width: width(window) }}
          onPointerDown={startDrag("move")}
        />
      )}
      {handle("start")}
      {handle("end")}
    </div>
  );
}
