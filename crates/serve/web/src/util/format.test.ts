import { expect, test } from "vitest";
import { formatNumber, formatSigned } from "./format";

test("small numbers keep three digits, negative ones a minus sign", () => {
  expect([0, 12_345, -7, 0.001234, -0.00456, 6.54321, 4321.5].map(formatNumber)).toEqual([
    "0",
    "12,345",
    "−7",
    "0.00123",
    "−0.00456",
    "6.54",
    "4,321.5",
  ]);
  expect([3, -3, 0, 0.25].map(formatSigned)).toEqual(["+3", "−3", "0", "+0.25"]);
});
