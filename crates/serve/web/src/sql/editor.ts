/**
 * The editor, in a shadow root: there CodeMirror uses constructed style sheets, which a strict content security policy
 * allows. In the document it would add <style> elements.
 */

import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { createCompleter, toNamespace } from "./completion";
import { LakeSql } from "./dialect";
import type { SqlCatalog } from "./sql-catalog";

export interface Editor {
  /** Replaces the whole text. */
  setText(text: string): void;
  /** Inserts a text at the cursor. */
  insert(text: string): void;
  /** Marks the range of an error until the text changes. */
  mark(range: { from: number; to: number } | null): void;
  /** Moves the cursor. */
  goTo(from: number): void;
  /** Completes these tables and functions. */
  complete(catalog: SqlCatalog): void;
  destroy(): void;
}

const setMark = StateEffect.define<{ from: number; to: number } | null>();

const markedRange = StateField.define({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setMark)) continue;
      return effect.value === null
        ? Decoration.none
        : Decoration.set([
            Decoration.mark({ class: "cm-error", attributes: { title: "Position of the error" } }).range(
              effect.value.from,
              effect.value.to,
            ),
          ]);
    }
    return transaction.docChanged ? Decoration.none : marks;
  },
  provide: field => EditorView.decorations.from(field),
});

/**
 * Replaces the selection by typed text. The browser would keep its look with a style attribute, which a strict content
 * security policy forbids.
 */
const replaceSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    const { data, inputType, isComposing } = event;
    if (inputType !== "insertText" || data === null || isComposing || empty) return false;
    if (view.state.selection.ranges.length > 1) return false;
    const insert = () =>
      view.state.update(view.state.replaceSelection(data), { userEvent: "input.type", scrollIntoView: true });
    const handled = view.state.facet(EditorView.inputHandler).some(handler => handler(view, from, to, data, insert));
    if (!handled) view.dispatch(insert());
    return true;
  },
});

const MONOSPACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";

/** Uses the CSS variables of the page: one theme for light and dark. */
const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--paper)", fontSize: "13.5px" },
  // The host shows the focus ring: here the gutter would cover it.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: MONOSPACE, lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { color: "var(--soft)", backgroundColor: "var(--paper)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--faint) 55%, transparent)" },
  ".cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": {
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-content ::selection": { backgroundColor: "var(--accent-soft)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", color: "var(--accent)" },
  ".cm-error": {
    backgroundColor: "var(--bad-soft)",
    textDecoration: "underline wavy var(--bad)",
    textUnderlineOffset: "3px",
  },
  ".cm-placeholder": { color: "var(--soft)" },
  ".cm-tooltip": {
    color: "var(--ink)",
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: MONOSPACE, maxHeight: "15em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    color: "var(--accent)",
    backgroundColor: "var(--accent-soft)",
  },
  ".cm-completionDetail": { color: "var(--soft)", fontStyle: "normal" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-tooltip.cm-completionInfo": {
    padding: "8px 10px",
    maxWidth: "26rem",
    whiteSpace: "pre-line",
    maxHeight: "16em",
    overflow: "auto",
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: [tags.typeName, tags.special(tags.name)], color: "var(--cool)" },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: "var(--soft)", fontStyle: "italic" },
]);

/** Creates an editor in the shadow root of an element. */
export function createEditor(
  host: HTMLElement,
  text: string,
  on: { change: (text: string) => void; run: () => void },
): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const place = document.createElement("div");
  place.style.height = "100%";
  root.replaceChildren(place);
  const language = new Compartment();
  const run = (view: EditorView) => {
    closeCompletion(view);
    on.run();
    return true;
  };
  const view = new EditorView({
    root,
    parent: place,
    state: EditorState.create({
      doc: text,
      extensions: [
        // First, so that the default key map does not insert a new line.
        keymap.of([
          { key: "Mod-Enter", run },
          { key: "Ctrl-Enter", run },
        ]),
        lineNumbers(),
        highlightActiveLine(),
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: false }),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
        language.of(sql({ dialect: LakeSql, upperCaseKeywords: true })),
        placeholder("SELECT …"),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": "SQL",
          tabindex: "0",
          spellcheck: "false",
          autocapitalize: "off",
        }),
        EditorView.updateListener.of(update => {
          if (update.docChanged) on.change(update.state.doc.toString());
        }),
        replaceSelection,
        markedRange,
        theme,
        syntaxHighlighting(colours),
      ],
    }),
  });
  return {
    setText(next) {
      if (next === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next }, selection: { anchor: 0 } });
    },
    insert(piece) {
      const { from, to } = view.state.selection.main;
      const before = view.state.sliceDoc(from - 1, from);
      // A space separates the text from a name before it.
      const insert = `${/[\w"]/.test(before) ? " " : ""}${piece}`;
      view.dispatch({
        changes: { from, to, insert },
        selection: { anchor: from + insert.length },
        scrollIntoView: true,
      });
      view.focus();
    },
    mark(at) {
      view.dispatch({ effects: setMark.of(at) });
    },
    goTo(from) {
      view.dispatch({ selection: { anchor: Math.min(from, view.state.doc.length) }, scrollIntoView: true });
      view.focus();
    },
    complete(catalog) {
      const support = sql({
        dialect: LakeSql,
        upperCaseKeywords: true,
        schema: toNamespace(catalog),
        defaultSchema: "main",
      });
      view.dispatch({
        effects: language.reconfigure([support, LakeSql.language.data.of({ autocomplete: createCompleter(catalog) })]),
      });
    },
    destroy() {
      view.destroy();
    },
  };
}
