import { expect, it } from "vitest";
import { breaks, classOf } from "./classes";

it("makes classes of equally many", () => {
  expect(breaks([1, 2, 3, 4, 100, 1000], 3)).toEqual([1, 3, 100]);
  expect(breaks([], 3)).toEqual([]);
  expect(breaks([5], 3)).toEqual([5, 5, 5]);
});

it("finds the class of a value", () => {
  const limits = breaks([1, 2, 3, 4, 100, 1000], 3);
  expect([1, 2, 3, 99, 100, 5000, 0].map(value => classOf(value, limits))).toEqual([0, 0, 1, 1, 2, 2, 0]);
  expect(classOf(5, [5, 5, 5])).toBe(2);
});
