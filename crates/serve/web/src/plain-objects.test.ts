/** A rule that the linter does not have: plain objects must not be maps of data. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SOURCE = import.meta.dirname;

/**
 * Plain objects as maps of data, whose names may be `__proto__` or `constructor`. A `Map` has no such members, and the
 * type of an object with fixed names lists these.
 */
const PATTERNS: readonly [pattern: RegExp, instead: string][] = [
  [/\bRecord<\s*string\b/, "a Map"],
  [/\{\s*(?:readonly )?\[\w+: (?:string|number)\]: /, "a Map"],
  [/\bObject\.fromEntries\(/, "new Map(...)"],
  [/\bfor \((?:const|let|var) [^;)]* in /, "for (... of map)"],
];

/** Exceptions: the pattern, and why it is safe there. */
const ALLOWED = new Map([
  // JSON.stringify takes an object; fromEntries can define members of any name.
  ["api/client.ts", "Object.fromEntries("],
  // CodeMirror takes objects; these have no prototype.
  ["sql/completion.ts", "{ [name: string]: "],
]);

const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .filter(name => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))
  .map(name => name.replaceAll("\\", "/"));

const findFaults = (name: string, text: string): string[] =>
  text.split("\n").flatMap((line, n) =>
    PATTERNS.flatMap(([pattern, instead]) => {
      const found = pattern.exec(line)?.[0];
      return found === undefined || ALLOWED.get(name) === found ? [] : [`${name}:${n + 1}: ${found} → ${instead}`];
    }),
  );

test("no plain object is a map of data", () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap(name => findFaults(name, readFileSync(join(SOURCE, name), "utf8")))).toEqual([]);
});

test("the rule finds every pattern", () => {
  for (const line of [
    "const counts: Record<string, number> = {};",
    "const counts: { [category: string]: number } = {};",
    "const about = Object.fromEntries(columns.map(({ name, about }) => [name, about]));",
    "for (const name in row) names.push(name);",
  ]) {
    expect(findFaults("x.ts", line)).toHaveLength(1);
  }
  expect(findFaults("x.ts", "const labels: Record<Label, string> = { a, b };")).toEqual([]);
});
