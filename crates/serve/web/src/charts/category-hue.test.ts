import { expect, test } from "vitest";
import { apart, hueOf } from "./category-hue";

const names = ["Larceny Theft", "Graffiti", "Alarms", "Medical Incident", "Encampments", "Fatal"];

test("hues are told apart, in whatever order the names come", () => {
  const hues = apart(names);
  expect(new Set(hues.values()).size).toBe(names.length);
  expect(apart([...names].reverse())).toEqual(hues);
});

test("a name has its own hue unless another has it", () => {
  for (const name of names) expect(apart([name]).get(name)).toBe(hueOf(name));
  expect([...apart(Array.from({ length: 20 }, (_, n) => `category ${n}`)).values()].every(n => n >= 0 && n < 8)).toBe(
    true,
  );
});
