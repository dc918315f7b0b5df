/** A small bar chart of numbers. */

import { formatInteger } from "../util/format";

const WIDTH = 300;
const HEIGHT = 44;

/** The chart, newest number at the right. */
export function Sparkline({ values }: { values: readonly number[] }) {
  const most = Math.max(1, ...values.map(Math.abs));
  const step = WIDTH / Math.max(values.length, 12);
  const label = `Incidents per batch: ${values.length} batches, maximum ${formatInteger(most)}`;
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <title>{label}</title>
      {values.map((value, n) => {
        const height = Math.max(1.5, (Math.abs(value) / most) * (HEIGHT - 2));
        const x = WIDTH - (values.length - n) * step;
        return (
          <rect
            key={n}
            class={value < 0 ? "negative" : ""}
            x={x + step * 0.1}
            y={HEIGHT - height}
            width={step * 0.8}
            height={height}
          />
        );
      })}
    </svg>
  );
}
