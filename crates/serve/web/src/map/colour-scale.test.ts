import { describe, expect, test } from "vitest";
import {
  divergingScale,
  quantileBreaks,
  SIGNIFICANCE_COLOURS,
  sequentialScale,
  significanceColour,
} from "./colour-scale";

describe("sequential", () => {
  test("every value has the colour of its legend entry", () => {
    const values = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144];
    for (const scale of ["quantile", "linear"] as const) {
      const colours = sequentialScale(values, scale, false);
      for (const value of values) {
        const entry = colours.legend.find(({ from, to }) => value >= from && value <= to);
        expect(entry?.colour).toBe(colours.colour(value));
      }
      expect(colours.legend[0]?.from).toBe(1);
      expect(colours.legend.at(-1)?.to).toBe(144);
    }
  });

  test("quantiles hold equally many values", () => {
    const values = Array.from({ length: 700 }, (_, n) => n * n);
    const counts = new Map<string, number>();
    const colours = sequentialScale(values, "quantile", true);
    for (const value of values) counts.set(colours.colour(value), (counts.get(colours.colour(value)) ?? 0) + 1);
    expect([...counts.values()]).toEqual([100, 100, 100, 100, 100, 100, 100]);
  });

  test("equal values are one class, no values are none", () => {
    expect(sequentialScale([4, 4, 4], "quantile", false).legend).toHaveLength(1);
    expect(sequentialScale([4, 4, 4], "linear", false).legend).toHaveLength(1);
    expect(sequentialScale([], "linear", false).legend).toEqual([]);
    expect(quantileBreaks([7], 5)).toEqual([]);
  });
});

describe("diverging", () => {
  test("increases and decreases are symmetric", () => {
    const colours = divergingScale([-9, -3, -1, 0, 1, 3, 9], "quantile", false);
    const at = (value: number) => colours.legend.findIndex(({ colour }) => colour === colours.colour(value));
    for (const size of [1, 3, 9]) expect(at(size) - at(0)).toBe(at(0) - at(-size));
    expect(new Set(colours.legend.map(({ colour }) => colour)).size).toBe(colours.legend.length);
  });

  test("every change has one legend entry in either scale", () => {
    for (const values of [
      [-90, -3, -2, -1, 0, 1, 2, 5, 8, 60],
      [-1.5, -0.004, 0, 0.001, 0.003, 0.2, 2.7],
    ]) {
      for (const scale of ["quantile", "linear"] as const) {
        const colours = divergingScale(values, scale, false);
        for (const value of values) {
          const entries = colours.legend.filter(({ from, to }) => value >= from && value <= to);
          expect(entries.map(({ colour }) => colour)).toEqual([colours.colour(value)]);
        }
        for (const value of values) if (value !== 0) expect(colours.colour(value)).not.toBe(colours.colour(0));
      }
      expect(divergingScale(values, "linear", false).legend).not.toEqual(
        divergingScale(values, "quantile", false).legend,
      );
    }
  });
});

test("significant cells have the colours of the legend", () => {
  expect(significanceColour("hot", true)).toBe(SIGNIFICANCE_COLOURS.hot);
  expect(significanceColour("cold", false)).toBe(SIGNIFICANCE_COLOURS.cold);
  expect([SIGNIFICANCE_COLOURS.hot, SIGNIFICANCE_COLOURS.cold]).not.toContain(significanceColour(null, false));
});
