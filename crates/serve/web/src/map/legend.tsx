/** The legend of the map. */

import { signal } from "@preact/signals";
import { resources } from "../api/resources";
import { comparisonShown, mode, scale } from "../state/view-state";
import { formatCompact, formatNumber } from "../util/format";
import { hasLegendRoom } from "../util/screen";
import { SIGNIFICANCE_COLOURS } from "./colour-scale";
import { picture } from "./picture";
import { mapAnswer } from "./questions";

const legendOpen = signal(hasLegendRoom);

function LegendEntries() {
  const { colours } = picture.value;
  if (!colours) {
    return (
      <ul class="steps">
        {(["hot", "cold"] as const).map(kind => (
          <li key={kind}>
            <i style={{ background: SIGNIFICANCE_COLOURS[kind] }} />
            {kind} spot (false discovery rate 5 %)
          </li>
        ))}
        <li>
          <i class="not-significant" />
          not significant
        </li>
      </ul>
    );
  }
  const number = (n: number) => {
    // Changes per day can be close to zero.
    if (n !== 0 && Math.abs(n) < 0.0005) return "≈ 0";
    return Math.abs(n) < 10_000 ? formatNumber(n) : formatCompact(n).replace("-", "−");
  };
  return (
    <ul class="steps">
      {[...colours.legend].reverse().map(({ colour, from, to }) => (
        <li key={`${from} ${to}`}>
          <i style={{ background: colour }} />
          {to > from ? `${number(from)} – ${number(to)}` : number(from)}
        </li>
      ))}
    </ul>
  );
}

/** The legend: the values of the colours. It starts closed if it would cover the controls. */
export function Legend() {
  if (resources.value.rows === null || picture.value.cells.length === 0) return null;
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
    <section class="legend" aria-label="Legend" aria-busy={mapAnswer.value.loading}>
      <details
        open={legendOpen.value}
        onToggle={event => {
          legendOpen.value = event.currentTarget.open;
        }}
      >
        <summary>{picture.value.unit || "hot and cold spots"}</summary>
        <LegendEntries />
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
            comparisonShown.value,
            [
              ["change", "Change"],
              ["a", "A"],
              ["b", "B"],
            ],
            value => {
              comparisonShown.value = value;
            },
          )}
      </details>
    </section>
  );
}
