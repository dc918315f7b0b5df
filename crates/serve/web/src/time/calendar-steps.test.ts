import { expect, test } from "vitest";
import { addSteps, chooseStep, floorToStep, roundToStep, STEPS } from "./calendar-steps";

const at = (text: string) => Date.parse(`${text}Z`);

test("steps contain their times and leave no gaps", () => {
  for (const step of STEPS) {
    for (const text of ["2024-02-29T13:45", "1969-12-28T23:59", "2023-01-01T00:00", "2026-06-30T05:06"]) {
      const [low, high] = [floorToStep(at(text), step), addSteps(at(text), step)];
      expect(low).toBeLessThanOrEqual(at(text));
      expect(high).toBeGreaterThan(at(text));
      expect(floorToStep(high, step)).toBe(high);
      expect(floorToStep(high - 1, step)).toBe(low);
      expect([low, high]).toContain(roundToStep(at(text), step));
    }
  }
});

test("weeks start on Monday, months have calendar lengths", () => {
  expect(floorToStep(at("2024-02-29T13:45"), "week")).toBe(at("2024-02-26T00:00"));
  expect(addSteps(at("2024-01-31T10:00"), "month")).toBe(at("2024-02-01T00:00"));
  expect(addSteps(at("2024-03-15T10:00"), "month", -1)).toBe(at("2024-02-01T00:00"));
  expect(chooseStep(3 * 86_400_000)).toBe("hour");
});
