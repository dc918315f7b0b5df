/** The position of an error in a query, as the server's message gives it. */

export interface ErrorPosition {
  /** Both start at 1. */
  line: number;
  column: number;
}

/** Parses "line 1, column 8" or "at Line: 1, Column: 14". */
export function parsePosition(detail: string): ErrorPosition | null {
  const found = /\bline:? (\d+), column:? (\d+)/i.exec(detail);
  return found ? { line: Number(found[1]), column: Number(found[2]) } : null;
}

/** Returns the word at a position as offsets into the text, or one character if there is no word; `null` outside the text. */
export function findWord(text: string, place: ErrorPosition): { from: number; to: number } | null {
  const lines = text.split("\n");
  const line = lines[place.line - 1];
  if (line === undefined || place.column < 1) return null;
  // The server counts characters, JavaScript code units.
  const before = [...line].slice(0, place.column - 1).join("").length;
  const start = lines.slice(0, place.line - 1).reduce((sum, { length }) => sum + length + 1, 0);
  const word = /^(?:"[^"]*"|'[^']*'|[\p{L}\p{N}_]+|\S)/u.exec(line.slice(before));
  const from = start + before;
  if (word) return { from, to: from + word[0].length };
  // At the end of a line something is missing: mark the last character.
  return from > start ? { from: from - 1, to: from } : null;
}
