/** What the map shows and how: buttons over it, the legend under them. */

import { signal } from "@preact/signals";
import { resources } from "../api/resources";
import { Icon } from "../components/icon";
import { compareShows, filters, mode, narrow, outlineSet, scale, tilted } from "../state/view-state";
import { measured, short } from "../util/format";
import { roomy } from "../util/screen";
import { awaited, currentSet, sets } from "./boundaries";
import { home } from "./city-map";
import { HOT_AND_COLD } from "./colour-scale";
import { tool } from "./draw";
import { mapAnswer, picture, seen } from "./questions";

/** The switches over the map. */
export function Controls() {
  const draw = (kind: "box" | "polygon", label: string) => (
    <button
      type="button"
      aria-pressed={tool.value === kind}
      title={label}
      aria-label={label}
      onClick={() => {
        tool.value = tool.value === kind ? null : kind;
      }}
    >
      <Icon name={kind} />
    </button>
  );
  return (
    <div class="controls" role="toolbar" aria-label="Map" aria-busy={awaited.value}>
      <button type="button" title="The whole city" aria-label="The whole city" onClick={() => home.go()}>
        <Icon name="home" />
      </button>
      <button
        type="button"
        aria-pressed={tilted.value}
        title="Columns in 3D"
        aria-label="Columns in 3D"
        onClick={() => {
          tilted.value = !tilted.value;
        }}
      >
        <Icon name="cube" />
      </button>
      {draw("box", "Draw a box")}
      {draw("polygon", "Draw a polygon")}
      <button
        type="button"
        title="Only what is in view"
        aria-label="Only what is in view"
        onClick={() => {
          const bounds = seen.value?.bounds;
          const round = (degrees: number) => Math.round(degrees * 1e5) / 1e5;
          if (bounds) {
            const box = [bounds.west, bounds.south, bounds.east, bounds.north].map(round);
            narrow({ area: { kind: "box", box: box as [number, number, number, number] } });
          }
        }}
      >
        <Icon name="frame" />
      </button>
      {filters.value.area && (
        <button
          type="button"
          title="Anywhere again"
          aria-label="Remove the drawn area"
          onClick={() => narrow({ area: null })}
        >
          <Icon name="close" />
        </button>
      )}
      {sets.value.length > 0 && (
        <select
          aria-label="Boundaries"
          value={currentSet.value}
          onChange={event => {
            outlineSet.value = event.currentTarget.value;
          }}
        >
          {sets.value.map(name => (
            <option key={name} value={name}>
              {name.replaceAll("-", " ")}
            </option>
          ))}
          <option value="">no boundaries</option>
        </select>
      )}
      {tool.value && (
        <span class="hint" role="status">
          {tool.value === "box" ? "Drag a box, or click two corners." : "Click the corners; the last one twice."}
        </span>
      )}
    </div>
  );
}

const opened = signal(roomy);

function Steps() {
  const { ramp } = picture.value;
  if (!ramp) {
    return (
      <ul class="steps">
        {(["hot", "cold"] as const).map(kind => (
          <li key={kind}>
            <i style={{ background: HOT_AND_COLD[kind] }} />
            {kind} beyond chance (5 % false discoveries)
          </li>
        ))}
        <li>
          <i class="quiet" />
          within chance
        </li>
      </ul>
    );
  }
  const number = (n: number) => {
    // A class that begins next to nothing, as of changes by the day.
    if (n !== 0 && Math.abs(n) < 0.0005) return "≈ 0";
    return Math.abs(n) < 10_000 ? measured(n) : short(n).replace("-", "−");
  };
  return (
    <ul class="steps">
      {[...ramp.legend].reverse().map(({ colour, from, to }) => (
        <li key={`${from} ${to}`}>
          <i style={{ background: colour }} />
          {to > from ? `${number(from)} – ${number(to)}` : number(from)}
        </li>
      ))}
    </ul>
  );
}

/** The legend: what the colours mean, in numbers. It is closed where it would lie over the rest. */
export function Legend() {
  const known = mapAnswer.value;
  if (resources.value.rows === null || picture.value.hexes.length === 0) return null;
  const choice = <T extends string>(
    label: string,
    value: T,
    values: readonly (readonly [T, string])[],
    choose: (value: T) => void,
  ) => (
    <fieldset class="choice">
      <legend class="hidden">{label}</legend>
      {values.map(([name, text]) => (
        <button key={name} type="button" aria-pressed={value === name} onClick={() => choose(name)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
  return (
    <section class="legend" aria-label="Legend" aria-busy={known.loading}>
      <details
        open={opened.value}
        onToggle={event => {
          opened.value = event.currentTarget.open;
        }}
      >
        <summary>{picture.value.unit || "hot or cold"}</summary>
        <Steps />
        {mode.value !== "hotspots" &&
          choice(
            "Scale",
            scale.value,
            [
              ["quantile", "Quantiles"],
              ["linear", "Linear"],
            ],
            value => {
              scale.value = value;
            },
          )}
        {mode.value === "compare" &&
          choice(
            "Shown",
            compareShows.value,
            [
              ["change", "Change"],
              ["a", "A"],
              ["b", "B"],
            ],
            value => {
              compareShows.value = value;
            },
          )}
      </details>
    </section>
  );
}
