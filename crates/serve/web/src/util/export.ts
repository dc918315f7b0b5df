/** Copies and downloads: the question of a panel as curl, its answer as a file. */

import { getBaseUrl, hasToken, MAX_FACET_VALUES, type Question, toRequest } from "../api/client";
import { notify } from "./notify";

/** Copies a text to the clipboard and notifies the user. */
export async function copyText(name: string, text: string | Promise<string>): Promise<void> {
  try {
    await navigator.clipboard.writeText(await text);
    notify(`${name} copied`);
  } catch (error) {
    notify(`${name} could not be copied: ${error instanceof Error ? error.message : error}`);
  }
}

/** Returns a question with an output format. */
export const withFormat = (question: Question, format: string): Question =>
  ({ ...question, params: [...question.params.filter(([name]) => name !== "format"), ["format", format]] }) as Question;

/** Returns a question without the limit of the screen. */
export function withoutLimit({ path, params }: Question): Question {
  const rest = params.filter(([name]) => name !== "limit");
  return { path, params: path === "facets" ? [...rest, ["limit", String(MAX_FACET_VALUES)]] : rest } as Question;
}

/** Quotes a text for a shell. */
const quoteShell = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Returns the curl command of a question. It refers to the token by a variable. */
export async function toCurl(question: Question): Promise<string> {
  const { path, body } = toRequest(question);
  return formatCurl(path, body);
}

/** Returns a curl command for a path of the server and an optional body. */
export function formatCurl(path: string, body: string | null): string {
  const token = hasToken() ? ' -H "Authorization: Bearer $HOTSPOTS_TOKEN"' : "";
  const posted = body === null ? "" : ` -H 'Content-Type: application/json' -d ${quoteShell(body)}`;
  return `curl${token} ${quoteShell(new URL(path, getBaseUrl()).href)}${posted}`;
}

/** Saves a response as a file. */
export async function saveFile(name: string, response: Promise<Response>): Promise<void> {
  try {
    const answer = await response;
    const url = URL.createObjectURL(await answer.blob());
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
    const truncated = answer.headers.get("lake-truncated") === "true";
    notify(truncated ? `${name} saved, truncated at the limit of the server` : `${name} saved`);
  } catch (error) {
    notify(`${name} could not be saved: ${error instanceof Error ? error.message : error}`);
  }
}
