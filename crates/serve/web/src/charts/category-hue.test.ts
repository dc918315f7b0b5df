import { expect, test } from "vitest";
import { assignHues, hashHue } from "./category-hue";

const names = ["Larceny Theft", "Graffiti", "Alarms", "Medical Incident", "Encampments", "Fatal"];

test("hues are told apart, in whatever order the names come", () => {
  const hues = assignHues(names);
  expect(new Set(hues.values()).size).toBe(names.length);
  expect(assignHues([...names].reverse())).toEqual(hues);
});

test("a name has its own hue unless another has it", () => {
  for (const name of names) expect(assignHues([name]).get(name)).toBe(hashHue(name));
  expect(
    [...assignHues(Array.from({ length: 20 }, (_, n) => `category ${n}`)).values()].every(n => n >= 0 && n < 8),
  ).toBe(true);
});
