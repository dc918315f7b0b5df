import { expect, test } from "vitest";
import { assignHues, hashHue } from "./category-hue";

const names = ["Larceny Theft", "Graffiti", "Alarms", "Medical Incident", "Encampments", "Fatal"];

test("hues are distinct in any order of names", () => {
  const hues = assignHues(names);
  expect(new Set(hues.values()).size).toBe(names.length);
  expect(assignHues([...names].reverse())).toEqual(hues);
});

test("a name keeps its hue without a collision", () => {
  for (const name of names) expect(assignHues([name]).get(name)).toBe(hashHue(name));
  expect(
    [...assignHues(Array.from({ length: 20 }, (_, n) => `category ${n}`)).values()].every(n => n >= 0 && n < 8),
  ).toBe(true);
});
