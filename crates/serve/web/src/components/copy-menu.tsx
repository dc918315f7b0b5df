/** The menu of a panel: copies its question as curl, SQL or CSV, and downloads its answer. */

import { useRef } from "preact/hooks";
import { type Question, sendQuestion } from "../api/client";
import { toSql } from "../state/question-sql";
import { page, sqlText } from "../state/view-state";
import { copyText, saveFile, toCurl, withFormat, withoutLimit } from "../util/export";
import { Icon } from "./icon";

const FILE_EXTENSIONS = new Map([
  ["csv", "csv"],
  ["geojson", "geojson"],
  ["parquet", "parquet"],
  ["arrow", "arrows"],
]);

interface Props {
  /** The title of the panel. */
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
      saveFile(
        `${name}.${FILE_EXTENSIONS.get(format)}`,
        sendQuestion(withFormat(withoutLimit(question), format), "*/*"),
      ),
    );
  const cells = question.params.some(([param, value]) => param === "group_by" && value.split(",").includes("cell"));
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
        {item("Copy as curl", () => copyText("curl command", toCurl(question)))}
        {text !== null && item("Copy as SQL", () => copyText("SQL", text))}
        {item("Copy as CSV", () =>
          copyText(
            "CSV",
            sendQuestion(withFormat(withoutLimit(question), "csv"), "*/*").then(answer => answer.text()),
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
