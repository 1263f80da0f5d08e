// @ts-check
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration, EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter,
  highlightSpecialChars, keymap, lineNumbers,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

/** @type {import("@codemirror/state").StateEffectType<number | null>} */
const markLine = StateEffect.define();
const marked = StateField.define({
  create: () => Decoration.none,
  update(marks, change) {
    marks = change.docChanged ? Decoration.none : marks;
    for (const effect of change.effects) {
      if (!effect.is(markLine)) continue;
      const line = effect.value;
      if (line === null || line < 1 || line > change.state.doc.lines) marks = Decoration.none;
      else
        marks = Decoration.set([
          Decoration.line({ class: "run-editor__trouble" }).range(change.state.doc.line(line).from),
        ]);
    }
    return marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/**
 * Open an editor. Tab indents; Escape, then Tab, leaves (the hint beside it says so).
 * @param {HTMLElement} parent
 * @param {{code: string, label: string, hint: string, run: () => void, changed: (code: string) => void}} options
 *   `hint`: the id of the element that says how to leave
 */
export function open(parent, { code, label, hint, run, changed }) {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: code,
      extensions: [
        lineNumbers(),
        highlightActiveLineGutter(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of("    "),
        bracketMatching(),
        highlightActiveLine(),
        python(),
        syntaxHighlighting(classHighlighter),
        marked,
        EditorView.contentAttributes.of({
          "aria-label": label,
          "aria-describedby": hint,
          tabindex: "0",
          autocapitalize: "off",
          autocorrect: "off",
          spellcheck: "false",
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed(update.state.doc.toString());
        }),
        keymap.of([
          { key: "Ctrl-Enter", mac: "Cmd-Enter", run: () => (run(), true) },
          { key: "Ctrl-Enter", run: () => (run(), true) },
          ...defaultKeymap,
          ...historyKeymap,
          indentWithTab,
        ]),
      ],
    }),
  });
  return {
    focus: () => view.focus(),
    close: () => view.destroy(),
    /** @param {string} text */
    set: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    /** @param {number | null} line */
    mark: (line) => view.dispatch({ effects: markLine.of(line) }),
  };
}
