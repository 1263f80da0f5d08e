// @ts-check
import { button, el, plural, roving } from "./dom.js";

/**
 * Every schedule of a variant as a cell, the shortest bad one first. The reader may guess
 * how many break before the cells are shown.
 *
 * @typedef {import("./scenario.js").Verdict} Verdict
 */
let count = 0;
const SHOWN = 1_500; // cells; an edit may bring many thousand schedules

export class Cells {
  variant = "";
  asked = true; // ask for a guess before the answer
  /** @type {Map<string, number | null>} the variants revealed, with the reader's guess */
  revealed = new Map();
  /** @type {Verdict | null} */
  verdict = null;
  /** @type {number[]} */
  chosen = [];

  /**
   * @param {{name: string, judge: (signal: AbortSignal) => Promise<Verdict>, open: (schedule: number[]) => void,
   *   total: () => number | null, unasked: () => void,
   *   doing: (job: (signal: AbortSignal) => Promise<void>) => Promise<void>}} options
   */
  constructor(options) {
    this.options = options;
    const id = `guess-${++count}`;
    this.title = el("p", { class: "run-every__title" });
    this.guess = el("input", { id, type: "number", min: "0", inputmode: "numeric", required: true, class: "run-guess" });
    this.question = el("label", { for: id });
    this.form = el("form", { class: "run-predict", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      void this.reveal(Number(this.guess.value));
    } }, this.question, this.guess,
      el("button", { type: "submit", class: "run-button" }, "Check my guess"),
      button("Show without a guess", () => { this.asked = false; options.unasked(); void this.reveal(); }));
    this.said = el("p", { class: "run-count", role: "status" });
    this.legend = el("p", { class: "run-hint", hidden: true },
      "Each mark is one schedule: ◆ breaks, ○ holds. Press one to see its run. What breaks comes first, the shortest before all.");
    this.list = el("div", { class: "run-cells", role: "listbox", "aria-label": "Schedules" });
    roving(this.list, () => /** @type {HTMLElement[]} */ ([...this.list.children]));
    this.list.addEventListener("click", (event) => this.pressed(event));
    this.list.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") this.pressed(event);
    });
    this.host = el("div", { class: "run-every" }, this.title, this.form, this.said, this.legend, this.list);
  }

  /** @param {string} variant the one that is shown from now on */
  of(variant) {
    if (variant === this.variant) return;
    this.variant = variant;
    this.lay();
  }

  /** What is known is of older code. */
  forget() {
    for (const variant of this.revealed.keys()) this.revealed.set(variant, null); // guesses too
    this.lay();
  }

  /** What is shown is of older code, and Python has not tried the new one. */
  wait() {
    if (!this.form.hidden) return this.lay();
    this.clear("The code has changed. Run every schedule to see what breaks now.");
  }

  /** @param {string} said in place of the cells */
  clear(said) {
    this.verdict = null;
    this.list.replaceChildren();
    this.list.hidden = this.legend.hidden = true;
    this.said.textContent = said;
  }

  lay() {
    const words = this.variant.replaceAll("_", " ");
    this.title.textContent = "Every schedule";
    const total = this.options.total();
    this.question.textContent = total === null ? `How many schedules break “${words}”?`
      : `How many of the ${plural(total, "schedule")} break “${words}”?`;
    this.guess.max = total === null ? "" : String(total);
    this.guess.value = "";
    this.clear("");
    const open = this.revealed.has(this.variant) || !this.asked;
    this.form.hidden = open;
    if (open && this.variant) void this.reveal(this.revealed.get(this.variant) ?? undefined, false);
  }

  /** @param {number} [guess] @param {boolean} [wish] is it the reader's wish, so that Python may be fetched? */
  reveal(guess, wish = true) {
    const variant = this.variant;
    const held = this.form.contains(document.activeElement);
    return this.options.doing(async (signal) => {
      const verdict = await this.options.judge(signal);
      if (variant !== this.variant || signal.aborted) return;
      this.revealed.set(variant, guess ?? this.revealed.get(variant) ?? null);
      this.form.hidden = true;
      this.list.hidden = this.legend.hidden = false;
      this.fill(verdict);
      const { bad, total } = verdict;
      const shortest = verdict.first_bad === null ? "" :
        ` The shortest needs ${plural(verdict.surprises[verdict.first_bad] ?? 0, "surprise")}.`;
      const said = guess === undefined || guess === null ? "" :
        guess === bad ? "Right. " : `You said ${guess}. `;
      this.said.textContent = `${said}${bad ? `Breaks in ${bad} of ${total}.` : `Holds in all ${total}.`}${shortest}`
        + (total > SHOWN ? ` The first ${SHOWN} are shown.` : "");
      if (wish && held) /** @type {HTMLElement | null} */ (this.list.querySelector("[tabindex='0']"))?.focus();
    });
  }

  /** @param {Verdict} verdict */
  fill(verdict) {
    this.verdict = verdict;
    const bad = (/** @type {number} */ i) => verdict.cells[i] === "1";
    const order = verdict.schedules.map((_, i) => i).sort((a, b) =>
      Number(bad(b)) - Number(bad(a)) || (verdict.surprises[a] ?? 0) - (verdict.surprises[b] ?? 0) || a - b);
    this.list.replaceChildren(...order.slice(0, SHOWN).map((i) => {
      const surprises = verdict.surprises[i] ?? 0;
      const words = `${bad(i) ? "breaks" : "holds"}, ${surprises ? plural(surprises, "surprise") : "the good day"}, schedule ${verdict.schedules[i]?.join(".") || "empty"}`;
      return el("div", { class: bad(i) ? "run-cell run-cell--bad" : "run-cell", role: "option", "data-index": i, "aria-label": words, title: words, tabindex: "-1" });
    }));
    this.choose(this.chosen);
  }

  /** @param {number[]} schedule the run that is drawn */
  choose(schedule) {
    this.chosen = schedule;
    const name = String(schedule);
    let any = false;
    for (const cell of /** @type {Iterable<HTMLElement>} */ (this.list.children)) {
      const here = String(this.verdict?.schedules[Number(cell.dataset.index)]) === name;
      cell.setAttribute("aria-selected", String(here));
      cell.tabIndex = here ? 0 : -1;
      any ||= here;
    }
    const first = /** @type {HTMLElement | null} */ (this.list.firstElementChild);
    if (!any && first) first.tabIndex = 0;
  }

  /** @param {Event} event */
  pressed(event) {
    const cell = event.target instanceof HTMLElement ? event.target.closest("[data-index]") : null;
    const schedule = this.verdict?.schedules[Number(/** @type {HTMLElement | null} */ (cell)?.dataset.index)];
    if (!schedule) return;
    event.preventDefault();
    this.options.open(schedule);
  }
}
