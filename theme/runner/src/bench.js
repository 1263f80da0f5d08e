// @ts-check
import { button, el } from "./dom.js";
import { keep, kept } from "./edits.js";
import { Failed, Stopped, Unavailable, isReady, onNews, stopped, warm } from "./python.js";

/**
 * What every runnable block has: Run, Stop, Edit, Reset, Copy, Download; what the code
 * printed; what went wrong, with a way to try again.
 *
 * @typedef {object} Options
 * @property {string} name names the edit that the browser keeps
 * @property {string} file the name of the file that Download gives
 * @property {string} label what the code is, for a screen reader
 * @property {HTMLElement} block the code as the page shows it
 * @property {string} runs what the Run button says
 * @property {(signal: AbortSignal) => Promise<void>} run
 * @property {(signal: AbortSignal) => Promise<string>} copy the text that Copy gives
 * @property {string} alone what Copy and Download say of that text
 * @property {() => void} edited called when the code changes
 * @property {AbortSignal} signal
 */
let count = 0;

/** Where a figure says what goes on: progress, words, Stop, trouble. */
export class Place {
  left = 0; // jobs that have not ended
  wishes = new AbortController(); // of these jobs

  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    this.bar = el("progress", { class: "run-progress", max: "1", "aria-label": "Python is on its way", hidden: true });
    this.status = el("p", { class: "run-status", role: "status" });
    this.stop = button("Stop", () => this.end("Stopped."), { class: "run-button run-button--stop", hidden: true });
    this.trouble = el("div", { class: "run-trouble", role: "alert" });
    this.host = el("div", { class: "run-place" }, this.bar, this.status, this.stop, this.trouble);
    /** @type {string | undefined} */
    this.booting = undefined;
    onNews((news) => {
      this.booting = undefined;
      if (news.ready !== undefined || !news.total) return void this.bar.removeAttribute("value");
      this.bar.value = Math.min(1, (news.loaded ?? 0) / news.total);
      const percent = Math.round(100 * this.bar.value);
      this.booting = percent < 100 ? `Fetching Python, once: ${percent} %` : "Starting Python…";
      if (!this.bar.hidden) this.status.textContent = this.booting;
    }, signal);
  }

  /** @param {string} text said by a screen reader too */
  say(text) {
    this.status.textContent = text;
  }

  /** End every job of this place. @param {string} [why] said here, if anything is */
  end(why) {
    const { left, wishes } = this;
    this.wishes = new AbortController();
    wishes.abort(new Stopped(why));
    if (left) warm(); // the next wish will need it
  }

  /**
   * Do something that needs Python: show that it goes on, and say what goes wrong.
   * @param {(signal: AbortSignal) => Promise<void>} job the signal says that nobody waits any more
   * @param {(line: number | null) => void} [mark] shows the line where the reader's code failed
   */
  async doing(job, mark = () => {}) {
    const signal = AbortSignal.any([this.signal, this.wishes.signal]);
    this.left++;
    const waiting = setTimeout(() => {
      this.stop.hidden = this.bar.hidden = false;
      this.say(this.booting ?? (isReady() ? "Running…" : "Starting Python…"));
    }, 150);
    const long = setTimeout(() => isReady() && this.say("Still running. Stop ends it."), 10_000);
    try {
      this.trouble.replaceChildren();
      await Promise.race([job(signal), ended(signal)]);
      mark(null);
    } catch (error) {
      this.fail(error, () => void this.doing(job, mark), mark);
    } finally {
      clearTimeout(waiting);
      clearTimeout(long);
      if (--this.left === 0) {
        this.stop.hidden = this.bar.hidden = true;
        if (/^(Starting|Fetching|Still|Running)/.test(this.status.textContent ?? "")) this.say("");
      }
    }
  }

  /** @param {unknown} error @param {() => void} again @param {(line: number | null) => void} mark */
  fail(error, again, mark) {
    if (error instanceof Stopped) return error.message ? this.say(error.message) : undefined;
    this.say("");
    if (error instanceof Failed) {
      this.trouble.replaceChildren(el("pre", { class: "run-error", tabindex: "0" }, error.message));
      return mark(error.line);
    }
    const what = error instanceof Unavailable || error instanceof TypeError
      ? "What this needs could not be fetched" : "Something of this page failed";
    const why = navigator.onLine ? String(/** @type {Error} */ (error).message) : "you are offline";
    this.trouble.replaceChildren(
      el("p", { class: "run-error" }, `${what}: ${why}. What you wrote is kept. `,
        button("Try again", () => { this.trouble.replaceChildren(); again(); })),
    );
  }
}

/** Fails as soon as nobody waits any more. @param {AbortSignal} signal @returns {Promise<never>} */
function ended(signal) {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(stopped(signal))));
}

export class Bench {
  /** @type {string} the code as the page shows it */
  original;
  /** @type {string | null} the code as the reader has it, if it differs */
  code = null;
  /** @type {ReturnType<typeof import("./editor.js").open> | null} */
  editor = null;
  /** @type {Promise<void> | null} the run that goes on */
  going = null;

  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    const { signal, block } = options;
    const id = `run-${++count}`;
    this.original = `${(block.querySelector("code") ?? block).textContent?.trimEnd() ?? ""}\n`;

    this.runButton = button(options.runs, () => this.run(), {
      class: "run-button run-button--main",
      title: "Ctrl+Enter",
      "aria-keyshortcuts": "Control+Enter",
    });
    this.editButton = button("Edit", () => this.edit(), { "aria-expanded": "false" });
    this.resetButton = button("Reset", () => this.reset(), { hidden: true });
    this.tools = el(
      "div",
      { class: "run-tools", role: "group", "aria-label": `Run ${options.label}` },
      this.runButton,
      this.editButton,
      this.resetButton,
      button("Copy", () => this.copy()),
      button("Download", () => this.download()),
    );
    this.place = new Place(signal);
    this.hint = el("p", { class: "run-hint", id: `${id}-hint`, hidden: true },
      el("span", { class: "run-keys" }, "Ctrl+Enter runs. Tab indents; Escape, then Tab, leaves the editor. "),
      "Your edit stays in this browser.");
    this.screen = el("div", { class: "run-editor", hidden: true });
    this.result = el("div", { class: "run-result" });
    this.heard = el("p", { class: "run-heard", role: "status" }); // the result in words
    this.printed = el("pre", { class: "run-output", tabindex: "0", role: "region", "aria-label": `What ${options.label} printed`, hidden: true });
    this.below = el("div", { class: "run-below" }, this.place.host, this.heard, this.result, this.printed);

    for (const part of [this.tools, block, this.screen])
      part.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
          event.preventDefault();
          this.run();
        }
      }, { signal });
    intent(this.tools, signal);
    signal.addEventListener("abort", () => this.editor?.close());

    const edit = kept(options.name);
    if (edit !== null && edit.trimEnd() !== this.original.trimEnd()) this.offer(edit);
  }

  /** Say that an edit is kept here, and let the reader open it or throw it away.
   * @param {string} edit */
  offer(edit) {
    const note = el("p", { class: "run-kept" }, "Your edit of this code is kept in this browser. ");
    note.append(
      button("Open my edit", () => { note.remove(); this.change(edit); void this.edit(); }),
      button("Throw it away", () => { note.remove(); keep(this.options.name, null); this.say("Thrown away."); this.editButton.focus(); }),
    );
    this.below.prepend(note);
    this.note = note;
    const fold = this.options.block.closest("details");
    if (fold) fold.open = true; // or nobody sees it
  }

  /** @param {string} text */
  say(text) {
    this.place.say(text);
  }

  /** @param {string} text */
  print(text) {
    this.printed.hidden = false;
    this.printed.append(text);
  }

  /** @param {(signal: AbortSignal) => Promise<void>} job */
  doing(job) {
    return this.place.doing(job, (line) => this.editor?.mark(line));
  }

  /** Pressed again, it is the same run that goes on. */
  run() {
    if (this.going) return this.going;
    this.printed.replaceChildren();
    this.printed.hidden = true;
    this.say("");
    this.runButton.ariaDisabled = "true";
    const going = this.doing((signal) => this.options.run(signal)).then(() => {
      if (this.going === going) this.going = null;
      if (!this.going) this.runButton.ariaDisabled = null;
      this.showAnswer();
    });
    this.going = going;
    this.showAnswer();
    return going;
  }

  /** On a phone an open editor is taller than the screen, and the answer stands below. */
  showAnswer() {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.editor) this.below.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  }

  async edit() {
    if (this.editor) return this.editor.focus();
    this.note?.remove();
    const edit = this.code ?? kept(this.options.name);
    const fold = this.options.block.closest("details");
    if (fold) fold.open = true;
    await this.doing(async (signal) => {
      /** @type {typeof import("./editor.js")} */
      const { open } = await load("editor");
      if (signal.aborted || this.editor) return;
      if (edit !== null) this.change(edit);
      this.screen.hidden = this.hint.hidden = false;
      this.options.block.hidden = true;
      this.editor = open(this.screen, {
        code: (this.code ?? this.original).trimEnd() + "\n",
        label: `Code of ${this.options.label}`,
        hint: this.hint.id,
        run: () => void this.run(),
        changed: (code) => this.change(code),
      });
      this.editButton.setAttribute("aria-expanded", "true");
      this.editButton.hidden = true;
      this.resetButton.hidden = false;
      this.editor.focus();
    });
  }

  /** @param {string} code the reader's */
  change(code) {
    const before = this.code;
    this.code = code.trimEnd() === this.original.trimEnd() ? null : `${code.trimEnd()}\n`;
    keep(this.options.name, this.code);
    this.resetButton.hidden = this.code === null && !this.editor;
    if (before === this.code) return;
    if (this.going) this.place.end("Stopped, since the code changed.");
    this.going = null;
    this.options.edited();
  }

  /** Back to the page's own code. One step of undo brings the edit back. */
  reset() {
    const thrown = this.code;
    this.editor?.close();
    this.editor = null;
    this.screen.hidden = this.hint.hidden = this.resetButton.hidden = true;
    this.options.block.hidden = this.editButton.hidden = false;
    this.editButton.setAttribute("aria-expanded", "false");
    this.change(this.original);
    for (const part of [this.place.trouble, this.heard, this.result, this.printed]) part.replaceChildren();
    this.printed.hidden = true;
    this.say("The page's own code is back.");
    if (thrown !== null)
      this.place.status.append(" ", button("Undo", () => { this.change(thrown); this.say(""); void this.edit(); }));
    this.editButton.focus();
  }

  copy() {
    return this.doing(async (signal) => {
      const text = this.options.copy(signal);
      // Safari wants the promise, so that the click still counts as the reader's wish.
      if (window.ClipboardItem && navigator.clipboard?.write) {
        const blob = text.then((all) => new Blob([all], { type: "text/plain" }));
        await Promise.all([
          navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]).catch(async () => {
            await text; // Python's own trouble is told as such
            throw new Failed({ text: "The browser did not let the page copy. Download gives the same file.", line: null });
          }),
        ]);
      } else throw new Failed({ text: "This browser lets no page copy. Download gives the same file.", line: null });
      this.say(`Copied${this.options.alone}.`);
    });
  }

  download() {
    return this.doing(async (signal) => {
      const blob = new Blob([await this.options.copy(signal)], { type: "text/x-python" });
      const link = el("a", { href: URL.createObjectURL(blob), download: this.options.file });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      this.say(`Downloaded ${this.options.file}${this.options.alone}.`);
    });
  }
}

/**
 * Start Python when a reader seems to want it: a mouse over the controls, the focus in
 * them. A finger that scrolls by is no wish; its tap is.
 * @param {HTMLElement} part @param {AbortSignal} signal @param {() => void} [also]
 */
export function intent(part, signal, also = () => {}) {
  const wished = () => {
    if (saving()) return;
    warm();
    also();
  };
  part.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && wished(), { signal });
  part.addEventListener("focusin", (event) => {
    if (event.target instanceof Element && event.target.matches(":focus-visible")) wished();
  }, { signal });
}

let misses = 0;
/**
 * A module of ours that is needed now. A browser may remember that one did not load, so
 * that another address asks anew.
 * @param {string} name @returns {Promise<any>}
 */
export async function load(name) {
  try {
    return await import(`./${name}.js${misses ? `?again=${misses}` : ""}`);
  } catch (error) {
    misses++;
    throw error;
  }
}

/** Did the reader ask the browser to save data? */
export function saving() {
  return Boolean(/** @type {any} */ (navigator).connection?.saveData);
}
