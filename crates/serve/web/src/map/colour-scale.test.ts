import { describe, expect, test } from "vitest";
import {
  divergingScale,
  quantileBreaks,
  SIGNIFICANCE_COLOURS,
  sequentialScale,
  significanceColour,
} from "./colour-scale";

describe("sequential", () => {
  test("every value has the colour of the legend's entry that it lies in", () => {
    const values = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144];
    for (const scale of ["quantile", "linear"] as const) {
      const ramp = sequentialScale(values, scale, false);
      for (const value of values) {
        const entry = ramp.legend.find(({ from, to }) => value >= from && value <= to);
        expect(entry?.colour).toBe(ramp.colour(value));
      }
      expect(ramp.legend[0]?.from).toBe(1);
      expect(ramp.legend.at(-1)?.to).toBe(144);
    }
  });

  test("quantiles hold about as many values each", () => {
    const values = Array.from({ length: 700 }, (_, n) => n * n);
    const counts = new Map<string, number>();
    const ramp = sequentialScale(values, "quantile", true);
    for (const value of values) counts.set(ramp.colour(value), (counts.get(ramp.colour(value)) ?? 0) + 1);
    expect([...counts.values()]).toEqual([100, 100, 100, 100, 100, 100, 100]);
  });

  test("values that are all the same are one class, and none is none", () => {
    expect(sequentialScale([4, 4, 4], "quantile", false).legend).toHaveLength(1);
    expect(sequentialScale([4, 4, 4], "linear", false).legend).toHaveLength(1);
    expect(sequentialScale([], "linear", false).legend).toEqual([]);
    expect(quantileBreaks([7], 5)).toEqual([]);
  });
});

describe("diverging", () => {
  test("more and fewer of one size are as far from the middle, on either side", () => {
    const ramp = divergingScale([-9, -3, -1, 0, 1, 3, 9], "quantile", false);
    const at = (value: number) => ramp.legend.findIndex(({ colour }) => colour === ramp.colour(value));
    for (const size of [1, 3, 9]) expect(at(size) - at(0)).toBe(at(0) - at(-size));
    expect(new Set(ramp.legend.map(({ colour }) => colour)).size).toBe(ramp.legend.length);
  });

  test("every change lies in one entry of the legend, whole or by the day, in either scale", () => {
    for (const values of [
      [-90, -3, -2, -1, 0, 1, 2, 5, 8, 60],
      [-1.5, -0.004, 0, 0.001, 0.003, 0.2, 2.7],
    ]) {
      for (const scale of ["quantile", "linear"] as const) {
        const ramp = divergingScale(values, scale, false);
        for (const value of values) {
          const entries = ramp.legend.filter(({ from, to }) => value >= from && value <= to);
          expect(entries.map(({ colour }) => colour)).toEqual([ramp.colour(value)]);
        }
        for (const value of values) if (value !== 0) expect(ramp.colour(value)).not.toBe(ramp.colour(0));
      }
      expect(divergingScale(values, "linear", false).legend).not.toEqual(
        divergingScale(values, "quantile", false).legend,
      );
    }
  });
});

test("what is hot or cold has the colour that the legend says, and what is neither another", () => {
  expect(significanceColour("hot", true)).toBe(SIGNIFICANCE_COLOURS.hot);
  expect(significanceColour("cold", false)).toBe(SIGNIFICANCE_COLOURS.cold);
  expect([SIGNIFICANCE_COLOURS.hot, SIGNIFICANCE_COLOURS.cold]).not.toContain(significanceColour(null, false));
});
