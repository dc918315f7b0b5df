import { expect, it, vi } from "vitest";
import type { NamedQuery } from "../api/types";
import { parseExactJson } from "../results/row";

// The page's modules ask and look at once; here there is neither a server nor a screen.
const parsers = vi.hoisted(() => [] as unknown[]);
vi.mock("../api/live-updates", () => ({ lakeVersion: { value: 0 } }));
vi.mock("../api/answer", () => ({
  watchAnswer: (_question: unknown, _wait: unknown, _newer: unknown, parse: unknown) => {
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

it("asks with the values that are its own", () => {
  expect(toQuestion(query("a/x y"), new Map(Object.entries({ top: "5", other: "1" })))).toEqual({
    path: "queries/a/x%20y",
    params: [["top", "5"]],
  });
  expect(toQuestion(query("x"), new Map([["top", ""]]))).toEqual({ path: "queries/x", params: [] });
  expect(toQuestion(query("x", true), new Map())).toBeNull();
});

it("reads rows with integers of 64 bits as they are", () => {
  expect(parsers).toEqual([undefined, parseExactJson]);
});
