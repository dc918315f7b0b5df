/** The rows of an answer, parsed from JSON without loss. */

export type Value = string | number | boolean | null | readonly unknown[] | object;
/** Values by column name. A Map, because a column may be named `constructor` or `__proto__`. */
export type Row = ReadonlyMap<string, Value>;

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Integers with fewer digits are exact as doubles. */
const LONG_INTEGER = /^-?\d{16,}$/;

/** Parses JSON; integers that a double cannot hold become text. */
export function parseExactJson<T>(json: string): T {
  return JSON.parse(
    /\d{16}/.test(json) ? json.replace(TOKEN, token => (LONG_INTEGER.test(token) ? `"${token}"` : token)) : json,
  );
}

/** Returns a parsed JSON object as a row. */
export const toRow = (object: object): Row => new Map<string, Value>(Object.entries(object));

/** Parses newline-delimited JSON. */
export function parseNdjson(text: string): Row[] {
  return text.split("\n").flatMap(line => (line === "" ? [] : [toRow(parseExactJson<object>(line))]));
}
