/** "Copy as curl, SQL, CSV" and downloads, on every panel: what is seen is a question that another program can ask. */

import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { base, hasToken, MOST_FACETS, type Question, sendQuestion, wire } from "../api/client";
import { toSql } from "../state/question-sql";
import { page, sqlText } from "../state/view-state";
import { Icon } from "./icon";

/** What was last copied, for the screen reader and the eye. */
export const said = signal("");
let silence = 0;

/** Says a short thing on screen for a while. */
export function say(text: string): void {
  said.value = text;
  clearTimeout(silence);
  silence = window.setTimeout(() => {
    said.value = "";
  }, 4_000);
}

/** Puts a text on the clipboard, and says so. */
export async function copy(what: string, text: string | Promise<string>): Promise<void> {
  try {
    await navigator.clipboard.writeText(await text);
    say(`${what} copied`);
  } catch (error) {
    say(`${what} could not be copied: ${error instanceof Error ? error.message : error}`);
  }
}

/** A question in a format, for a file or another program. */
export const inFormat = (question: Question, format: string): Question => ({
  ...question,
  params: [...question.params.filter(([name]) => name !== "format"), ["format", format]],
});

/** The same without the screen's own limit. */
function unlimited({ path, params }: Question): Question {
  const rest = params.filter(([name]) => name !== "limit");
  return { path, params: path === "facets" ? [...rest, ["limit", String(MOST_FACETS)]] : rest };
}

/** A text as one word of a shell. */
export const shell = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** A command that asks the same. The token is named in it, and not told. */
export async function curl(question: Question): Promise<string> {
  const { path, body } = wire(question);
  return curlOf(path, body);
}

/** A command that asks a path of the server, and posts a body where there is one. */
export function curlOf(path: string, body: string | null): string {
  const token = hasToken() ? ' -H "Authorization: Bearer $HOTSPOTS_TOKEN"' : "";
  const posted = body === null ? "" : ` -H 'Content-Type: application/json' -d ${shell(body)}`;
  return `curl${token} ${shell(new URL(path, base()).href)}${posted}`;
}

/** Saves an answer as a file. */
export async function save(name: string, response: Promise<Response>): Promise<void> {
  try {
    const answer = await response;
    const url = URL.createObjectURL(await answer.blob());
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
    const cut = answer.headers.get("lake-truncated") === "true";
    say(cut ? `${name} saved, cut short at the server's limit` : `${name} saved`);
  } catch (error) {
    say(`${name} could not be saved: ${error instanceof Error ? error.message : error}`);
  }
}

const ENDINGS = new Map([
  ["csv", "csv"],
  ["geojson", "geojson"],
  ["parquet", "parquet"],
  ["arrow", "arrows"],
]);

interface Props {
  /** What the panel shows. */
  title: string;
  question: Question;
}

/** The menu of a panel. */
export function CopyMenu({ title, question }: Props) {
  const menu = useRef<HTMLDetailsElement>(null);
  const text = toSql(question);
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const close = () => menu.current?.removeAttribute("open");
  const item = (label: string, act: () => void) => (
    <li>
      <button
        type="button"
        onClick={() => {
          close();
          act();
        }}
      >
        {label}
      </button>
    </li>
  );
  const download = (format: string) =>
    item(`Download ${format === "geojson" ? "GeoJSON" : format === "csv" ? "CSV" : "Parquet"}`, () =>
      save(`${name}.${ENDINGS.get(format)}`, sendQuestion(inFormat(unlimited(question), format), "*/*")),
    );
  const cells = question.params.some(([given, value]) => given === "group_by" && value.split(",").includes("cell"));
  return (
    <details
      class="menu"
      ref={menu}
      onBlur={event => {
        if (!menu.current?.contains(event.relatedTarget as Node | null)) close();
      }}
      onKeyDown={event => {
        if (event.key === "Escape") close();
      }}
    >
      <summary aria-label={`Copy or download: ${title}`} title="Copy or download">
        <Icon name="share" />
      </summary>
      <ul>
        {item("Copy as curl", () => copy("The curl command", curl(question)))}
        {text !== null && item("Copy as SQL", () => copy("The SQL", text))}
        {item("Copy as CSV", () =>
          copy(
            "The CSV",
            sendQuestion(inFormat(unlimited(question), "csv"), "*/*").then(answer => answer.text()),
          ),
        )}
        {text !== null &&
          item("Open in SQL", () => {
            sqlText.value = text;
            page.value = "sql";
          })}
        {download("csv")}
        {(cells || question.path === "hotspots") && download("geojson")}
        {download("parquet")}
      </ul>
    </details>
  );
}
