import { expect, test, vi } from "vitest";
import { parseExactJson } from "../results/row";
import { fetchAnswer, formatAddress, formatBody, Problem, type Question, toRequest } from "./client";

const corners = (n: number): string => {
  const ring = Array.from({ length: n }, (_, at) => [-122.4 + at / 1e4, 37.7 + at / 1e4]);
  return JSON.stringify({ type: "Polygon", coordinates: [[...ring, ring[0]]] });
};

test("a question is a GET, or a POST if its address is long", () => {
  const short: Question = { path: "facets", params: [["facet", "category"]] };
  expect(toRequest(short)).toEqual({ path: "facets?facet=category", body: null });
  for (const path of ["aggregates", "facets", "incidents", "hotspots"] as const) {
    const polygon = corners(400);
    const { path: sent, body } = toRequest({ path, params: [["polygon", polygon] as const] });
    expect(sent).toBe(path);
    expect(JSON.parse(body ?? "")).toEqual({ polygon: JSON.parse(polygon) });
  }
});

test("a long address that cannot be posted is rejected", () => {
  const values = (length: number): Question => ({ path: "queries/a", params: [["name", "x".repeat(length)]] });
  expect(toRequest(values(7_900)).path.length).toBeLessThan(8_000);
  expect(() => toRequest(values(8_000))).toThrow(Problem);
});

test("repeated parameters become arrays, whatever their name", () => {
  const params = [
    ["category", "__proto__"],
    ["category", "constructor"],
    ["__proto__", "a"],
    ["__proto__", "b"],
    ["toString", "c"],
  ] as const;
  const text = formatBody(params);
  expect(text).toBe('{"category":["__proto__","constructor"],"__proto__":["a","b"],"toString":"c"}');
  expect(formatAddress({ path: "queries/a", params })).toContain("category=__proto__&category=constructor");
});

test("an answer is parsed with the given function", async () => {
  vi.stubGlobal("sessionStorage", { getItem: () => null });
  vi.stubGlobal("fetch", async () => new Response('[{"n":9007199254740993}]', { headers: { "lake-exact": "true" } }));
  const question: Question = { path: "queries/a", params: [] };
  expect((await fetchAnswer(question, undefined, parseExactJson)).rows).toEqual([{ n: "9007199254740993" }]);
  expect((await fetchAnswer(question)).rows).toEqual([{ n: 9007199254740992 }]);
  vi.unstubAllGlobals();
});

test("a question has the parameters that docs/openapi.json lists for its path", () => {
  const right: Question = {
    path: "aggregates",
    params: [
      ["not_category", "a"],
      ["category!", "b"],
    ],
  };
  // @ts-expect-error: `facet` is a parameter of /facets.
  const wrong: Question = { path: "aggregates", params: [["facet", "category"]] };
  expect([right, wrong].map(formatAddress)).toEqual([
    "aggregates?not_category=a&category%21=b",
    "aggregates?facet=category",
  ]);
});
