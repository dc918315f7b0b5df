import { expect, test } from "vitest";
import LRU from "zrender/lib/core/LRU.js";
import { escapeChartText, unescapeChartText } from "./chart-text";
import "./echarts";

const EVERY_OBJECT_HAS = Object.getOwnPropertyNames(Object.prototype);

test("names of object members are escaped invisibly", () => {
  for (const text of [...EVERY_OBJECT_HAS, "Graffiti", ""]) {
    expect(escapeChartText(text) in Object.prototype).toBe(false);
    expect(unescapeChartText(escapeChartText(text))).toBe(text);
  }
  expect(escapeChartText("Graffiti")).toBe("Graffiti");
});

test("the cache of text widths holds such names", () => {
  const cache = new LRU<number>(100);
  for (const name of EVERY_OBJECT_HAS) {
    expect(cache.get(name)).toBeUndefined();
    cache.put(name, name.length);
  }
  for (const name of EVERY_OBJECT_HAS) expect(cache.get(name)).toBe(name.length);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.keys(Object)).toEqual([]);
});

test("the cache evicts the oldest entry", () => {
  const cache = new LRU<number>(2);
  cache.put("__proto__", 1);
  cache.put("constructor", 2);
  cache.put("b", 3);
  expect(["__proto__", "constructor", "b"].map(name => cache.get(name))).toEqual([undefined, 2, 3]);
});
