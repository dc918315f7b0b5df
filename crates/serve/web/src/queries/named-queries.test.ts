import { expect, it, vi } from "vitest";
import type { NamedQuery } from "../api/types";
import { parseExactJson } from "../results/row";

// The modules send questions when they are imported; a unit test has no server.
const parsers = vi.hoisted(() => [] as unknown[]);
vi.mock("../api/live-updates", () => ({ lakeVersion: { value: 0 } }));
vi.mock("../api/answer", () => ({
  watchAnswer: (_question: unknown, _debounceMs: unknown, _revision: unknown, parse: unknown) => {
    parsers.push(parse);
    return { value: { rows: null } };
  },
}));
const { groupByFolder, splitName, toQuestion } = await import("./named-queries");

const query = (name: string, required = false): NamedQuery => ({
  name,
  title: name,
  about: "",
  parameters: [{ name: "top", type: "integer", required, default: null, about: "" }],
  columns: [],
});

it("groups queries by folder", () => {
  expect(splitName("reports/fire/slow")).toEqual(["reports/fire", "slow"]);
  expect(splitName("slow")).toEqual(["", "slow"]);
  const grouped = groupByFolder([query("a/x"), query("y"), query("a/z")]);
  expect([...grouped].map(([folder, all]) => [folder, all.map(({ name }) => name)])).toEqual([
    ["a", ["a/x", "a/z"]],
    ["", ["y"]],
  ]);
});

it("sends only values of its own parameters", () => {
  expect(toQuestion(query("a/x y"), new Map(Object.entries({ top: "5", other: "1" })))).toEqual({
    path: "queries/a/x%20y",
    params: [["top", "5"]],
  });
  expect(toQuestion(query("x"), new Map([["top", ""]]))).toEqual({ path: "queries/x", params: [] });
  expect(toQuestion(query("x", true), new Map())).toBeNull();
});

it("parses rows with exact 64-bit integers", () => {
  expect(parsers).toEqual([undefined, parseExactJson]);
});
