/** Where the editor stands. It is fetched when the page is opened; the text can be read before. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { sqlText } from "../state/view-state";
import type { Editor } from "./editor";
import { findWord, type parsePosition } from "./error-position";
import { outcome, runQuery } from "./run-query";
import type { SqlCatalog } from "./sql-catalog";

interface Props {
  catalog: SqlCatalog | null;
  /** Is given the editor, once there is one. */
  ready: (editor: Editor | null) => void;
  wrong: ReturnType<typeof parsePosition>;
}

/** The editor of the query that the address holds. */
export function EditorHost({ catalog, ready, wrong }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const known = useRef<SqlCatalog | null>(null);
  known.current = catalog;
  useEffect(() => {
    let gone = false;
    let stop = () => {};
    import("./editor").then(({ createEditor }) => {
      if (gone || !host.current) return;
      const made = createEditor(host.current, sqlText.peek() ?? "", {
        change: text => {
          sqlText.value = text;
        },
        run: () => void runQuery(sqlText.peek() ?? ""),
      });
      editor.current = made;
      if (known.current) made.complete(known.current);
      // The text also comes from elsewhere: an example, another page, a step back in the history.
      stop = effect(() => made.setText(sqlText.value ?? ""));
      ready(made);
    });
    return () => {
      gone = true;
      stop();
      editor.current?.destroy();
      editor.current = null;
      ready(null);
    };
  }, []);
  useEffect(() => {
    if (catalog) editor.current?.complete(catalog);
  }, [catalog]);
  useEffect(() => {
    const sql = outcome.peek()?.sql;
    // The text may have changed while the query ran: then the place is another.
    editor.current?.mark(wrong && sql !== undefined && sql === sqlText.peek() ? findWord(sql, wrong) : null);
  }, [wrong]);
  return <div class="sql-editor" ref={host} data-testid="sql-editor" />;
}
