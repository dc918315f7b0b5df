import { describe, expect, it } from "vitest";
import { findWord, parsePosition } from "./error-position";

describe("the position of an error", () => {
  it("is parsed from messages of the server", () => {
    expect(parsePosition("Expected: end of statement, found: x at Line: 1, Column: 14")).toEqual({
      line: 1,
      column: 14,
    });
    expect(parsePosition("line 2, column 10: table 'lake.main.from' not found")).toEqual({ line: 2, column: 10 });
    expect(parsePosition("Failed to coerce arguments")).toBeNull();
  });
  it("selects a word of the query", () => {
    const text = "SELECT foo\nFROM nope WHERE a = 'x y'";
    const word = (line: number, column: number) => {
      const at = findWord(text, { line, column });
      return at && text.slice(at.from, at.to);
    };
    expect(word(1, 8)).toBe("foo");
    expect(word(2, 6)).toBe("nope");
    expect(word(2, 21)).toBe("'x y'");
    expect(word(1, 11)).toBe("o");
    expect(word(9, 1)).toBeNull();
    expect(word(1, 0)).toBeNull();
  });
  it("counts characters, not code units", () => {
    const text = "SELECT '😀', foo";
    const at = findWord(text, { line: 1, column: 13 });
    expect(at && text.slice(at.from, at.to)).toBe("foo");
  });
});
