/** Copies and downloads of answers: every panel shows the answer to a question that other programs can ask, too. */

import { getBaseUrl, hasToken, MAX_FACET_VALUES, type Question, toRequest } from "../api/client";
import { notify } from "./notify";

/** Puts a text on the clipboard, and says so. */
export async function copyText(what: string, text: string | Promise<string>): Promise<void> {
  try {
    await navigator.clipboard.writeText(await text);
    notify(`${what} copied`);
  } catch (error) {
    notify(`${what} could not be copied: ${error instanceof Error ? error.message : error}`);
  }
}

/** A question in a format, for a file or another program. */
export const withFormat = (question: Question, format: string): Question => ({
  ...question,
  params: [...question.params.filter(([name]) => name !== "format"), ["format", format]],
});

/** The same without the screen's own limit. */
export function withoutLimit({ path, params }: Question): Question {
  const rest = params.filter(([name]) => name !== "limit");
  return { path, params: path === "facets" ? [...rest, ["limit", String(MAX_FACET_VALUES)]] : rest };
}

/** A text as one word of a shell. */
const quoteShell = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** A command that asks the same. The token is named in it, and not told. */
export async function toCurl(question: Question): Promise<string> {
  const { path, body } = toRequest(question);
  return formatCurl(path, body);
}

/** A command that asks a path of the server, and posts a body where there is one. */
export function formatCurl(path: string, body: string | null): string {
  const token = hasToken() ? ' -H "Authorization: Bearer $HOTSPOTS_TOKEN"' : "";
  const posted = body === null ? "" : ` -H 'Content-Type: application/json' -d ${quoteShell(body)}`;
  return `curl${token} ${quoteShell(new URL(path, getBaseUrl()).href)}${posted}`;
}

/** Saves an answer as a file. */
export async function saveFile(name: string, response: Promise<Response>): Promise<void> {
  try {
    const answer = await response;
    const url = URL.createObjectURL(await answer.blob());
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
    const cut = answer.headers.get("lake-truncated") === "true";
    notify(cut ? `${name} saved, cut short at the server's limit` : `${name} saved`);
  } catch (error) {
    notify(`${name} could not be saved: ${error instanceof Error ? error.message : error}`);
  }
}
