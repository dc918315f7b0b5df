import { expect, test } from "vitest";
import { chooseComparison, closeWindow, countDays } from "./comparison-windows";

const of = (start: string, end: string) => ({ start, end });

test("the last whole months are compared with those before", () => {
  expect(chooseComparison(null, of("2023-01-01", "2025-02-01"))).toEqual([
    of("2024-02-01", "2025-02-01"),
    of("2023-02-01", "2024-02-01"),
  ]);
  expect(chooseComparison(null, of("2024-02-01", "2024-04-01"))).toEqual([
    of("2024-03-01", "2024-04-01"),
    of("2024-02-01", "2024-03-01"),
  ]);
});

test("a range below two months is split by days", () => {
  expect(chooseComparison(null, of("2024-01-01", "2024-02-01"))).toEqual([
    of("2024-01-17", "2024-02-01"),
    of("2024-01-02", "2024-01-17"),
  ]);
});

test("a window is compared with an adjacent one that has data", () => {
  const all = of("2023-01-01", "2025-01-01");
  const window = of("2023-02-01", "2023-06-01");
  expect(chooseComparison(window, all)).toEqual([window, of("2022-10-04", "2023-02-01")]);
  const first = of("2023-01-01", "2023-03-02");
  expect(chooseComparison(first, all)).toEqual([first, of("2023-03-02", "2023-05-01")]);
  expect(chooseComparison(all, all)).toEqual([of("2024-01-01", "2025-01-01"), of("2023-01-01", "2024-01-01")]);
  expect(chooseComparison(first, null)).toEqual([first, of("2022-11-02", "2023-01-01")]);
  expect(chooseComparison(null, null)).toBeNull();
});

test("the length of a window includes hours", () => {
  expect(countDays(of("2024-02-28T12:00", "2024-03-01"))).toBe(1.5);
});

test("an open end becomes the end of the data", () => {
  const all = of("2023-01-01", "2025-01-01");
  expect(closeWindow({ start: "2024-05-01", end: null }, all)).toEqual(of("2024-05-01", "2025-01-01"));
  expect(closeWindow({ start: null, end: "2024-05-01" }, all)).toEqual(of("2023-01-01", "2024-05-01"));
  expect(closeWindow({ start: null, end: "2022-05-01" }, all)).toBeNull();
  expect(closeWindow({ start: "2024-05-01", end: null }, null)).toBeNull();
  expect(closeWindow(null, all)).toBeNull();
});
