/** The window, drawn over the histogram: dragged anew, moved, or made longer and shorter, by hand or by keys. */

import { useRef } from "preact/hooks";
import { withoutHistoryStep } from "../state/url";
import type { Window } from "../state/view-state";
import { formatTime, formatWallClock, parseMillis } from "../util/format";
import { addSteps, roundToStep, type Step } from "./calendar-steps";

interface Props {
  /** What the histogram shows. */
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
  const held = useRef<{ grip: Grip; from: number; window: Window | null; moved: boolean } | null>(null);
  const [from, to] = [parseMillis(shown.start), parseMillis(shown.end)];
  const part = (text: string) => `${(100 * (Math.min(Math.max(parseMillis(text), from), to) - from)) / (to - from)}%`;
  const width = (of: Window) => `calc(${part(of.end)} - ${part(of.start)})`;
  const at = (event: PointerEvent) => {
    const box = strip.current?.getBoundingClientRect();
    if (!box || box.width === 0) return from;
    return from + (Math.min(Math.max(event.clientX - box.left, 0), box.width) / box.width) * (to - from);
  };
  const make = (a: number, b: number): Window | null => {
    const [start, end] = [roundToStep(Math.min(a, b), step), roundToStep(Math.max(a, b), step)];
    return start < end ? { start: formatWallClock(start), end: formatWallClock(end) } : null;
  };
  const hold = (grip: Grip) => (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.preventDefault();
    strip.current?.setPointerCapture(event.pointerId);
    held.current = { grip, from: at(event), window, moved: false };
  };
  /** However far it is drawn, it is one step back. */
  const draw = (made: Window | null) => {
    if (!made || !held.current) return;
    if (held.current.moved) withoutHistoryStep(() => change(made));
    else change(made);
    held.current.moved = true;
  };
  const move = (event: PointerEvent) => {
    if (!held.current) return;
    const { grip, from: began, window: was } = held.current;
    const now = at(event);
    if (grip === "new") {
      draw(make(began, now));
    } else if (was) {
      const by = now - began;
      const start = parseMillis(was.start) + (grip === "end" ? 0 : by);
      const end = parseMillis(was.end) + (grip === "start" ? 0 : by);
      draw(start < end ? make(start, end) : null);
    }
  };
  const release = (event: PointerEvent) => {
    const began = held.current;
    held.current = null;
    // A click beside the window takes it away.
    if (began?.grip === "new" && !make(began.from, at(event))) change(null);
  };
  const keyed = (edge: "start" | "end") => (event: KeyboardEvent) => {
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
        aria-label={edge === "start" ? "First instant of the window" : "First instant after the window"}
        aria-valuemin={from}
        aria-valuemax={to}
        aria-valuenow={parseMillis(window[edge])}
        aria-valuetext={formatTime(window[edge])}
        style={{ left: part(window[edge]) }}
        onPointerDown={hold(edge)}
        onKeyDown={keyed(edge)}
      />
    );
  return (
    <div
      class="brush"
      ref={strip}
      data-testid="brush"
      onPointerDown={hold("new")}
      onPointerMove={move}
      onPointerUp={release}
      onPointerCancel={release}
    >
      {other && <div class="window other" style={{ left: part(other.start), width: width(other) }} />}
      {window && (
        <div class="window" style={{ left: part(window.start), width: width(window) }} onPointerDown={hold("move")} />
      )}
      {handle("start")}
      {handle("end")}
    </div>
  );
}
