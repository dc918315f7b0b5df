/** The rows of an answer, parsed from JSON without loss. */

export type Value = string | number | boolean | null | readonly unknown[] | object;
/** Values by the name of their column. A map and no object: a column may have any name, `constructor` and `__proto__` too. */
export type Row = ReadonlyMap<string, Value>;

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Every integer of fewer digits is a double's own. */
const LONG_INTEGER = /^-?\d{16,}$/;

/** JSON in which integers that a double cannot hold stay what they are, as text. */
export function parseExactJson<T>(json: string): T {
  return JSON.parse(
    /\d{16}/.test(json) ? json.replace(TOKEN, token => (LONG_INTEGER.test(token) ? `"${token}"` : token)) : json,
  );
}

/** A row as it comes in JSON. */
export const toRow = (object: object): Row => new Map<string, Value>(Object.entries(object));

/** Rows of newline-delimited JSON. */
export function parseNdjson(text: string): Row[] {
  return text.split("\n").flatMap(line => (line === "" ? [] : [toRow(parseExactJson<object>(line))]));
}
