/** The element that hosts the editor, which is loaded when the page is first shown. */

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { sqlText } from "../state/view-state";
import type { Editor } from "./editor";
import { findWord, type parsePosition } from "./error-position";
import { outcome, runQuery } from "./run-query";
import type { SqlCatalog } from "./sql-catalog";

interface Props {
  catalog: SqlCatalog | null;
  /** Called with the editor when it is loaded, with null when it is destroyed. */
  ready: (editor: Editor | null) => void;
  errorPosition: ReturnType<typeof parsePosition>;
}

/** Hosts the editor of the query in the address. */
export function EditorHost({ catalog, ready, errorPosition }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor | null>(null);
  const latestCatalog = useRef<SqlCatalog | null>(null);
  latestCatalog.current = catalog;
  useEffect(() => {
    let disposed = false;
    let stop = () => {};
    import("./editor").then(({ createEditor }) => {
      if (disposed || !host.current) return;
      const created = createEditor(host.current, sqlText.peek() ?? "", {
        change: text => {
          sqlText.value = text;
        },
        run: () => void runQuery(sqlText.peek() ?? ""),
      });
      editor.current = created;
      if (latestCatalog.current) created.complete(latestCatalog.current);
      // Examples, other pages and the browser's history change the text, too.
      stop = effect(() => created.setText(sqlText.value ?? ""));
      ready(created);
    });
    return () => {
      disposed = true;
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
    // If the text changed while the query ran, the position is not valid any more.
    editor.current?.mark(
      errorPosition && sql !== undefined && sql === sqlText.peek() ? findWord(sql, errorPosition) : null,
    );
  }, [errorPosition]);
  return <div class="sql-editor" ref={host} data-testid="sql-editor" />;
}
