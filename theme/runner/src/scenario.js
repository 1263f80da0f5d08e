// @ts-check
import { addressOf, named, readdress } from "./address.js";
import { Bench, Place, intent, load, saving } from "./bench.js";
import { Cells } from "./cells.js";
import { button, el, plural, roving } from "./dom.js";
import { ask, warm } from "./python.js";
import { Steps } from "./steps.js";

/**
 * @typedef {{what: string, options: string[], picked: number}} Choice
 * @typedef {object} Run what figure.py's `draw` gives
 * @property {string} variant
 * @property {string} svg
 * @property {string[]} words
 * @property {Record<string, {event: number, text: string}[]>} logs
 * @property {Choice[]} choices
 * @property {string} result
 * @property {boolean} holds
 * @property {number[]} schedule
 * @property {number} surprises
 *
 * @typedef {object} Verdict what figure.py's `judge` gives
 * @property {string} variant
 * @property {number} total
 * @property {number} bad
 * @property {string} cells one character a schedule: 1 breaks the invariant
 * @property {number[][]} schedules
 * @property {number[]} surprises
 * @property {number | null} first_bad
 * @property {number[]} telling the schedule of the run that says most
 *
 * @typedef {Record<string, {verdict: Verdict, run: Run}>} Known what the build knows of each variant
 * @typedef {{name: string, hint: string, total?: number}} Variant
 */

const PYTHON = new URL("../python/", import.meta.url);
const RUNS = new URL("../runs/", import.meta.url);

/** Give the figure of a scenario its controls. @param {HTMLElement} host @param {AbortSignal} signal */
export function scenario(host, signal) {
  new Figure(host, signal);
}

class Figure {
  /** @type {Map<string, Promise<Verdict>>} of the code as it is now */
  verdicts = new Map();
  turn = 0; // the newest wish wins
  turned = -1; // the switch that the reader turned, until its run is drawn
  ran = false; // has Python run every schedule of the code as it is?
  ofEdit = false; // is the picture a run of the reader's code?
  /** @type {Promise<Known> | undefined} */
  knows;

  /** @param {HTMLElement} host @param {AbortSignal} signal */
  constructor(host, signal) {
    this.host = host;
    this.signal = signal;
    this.module = host.dataset.module ?? "";
    this.variant = host.dataset.variant ?? "";
    /** @type {number[]} */
    this.schedule = numbers(host.dataset.schedule ?? "");
    this.linked = { module: this.module, variant: this.variant, schedule: this.schedule };
    this.source = new URL(`snippets/${this.module.replaceAll(".", "/")}.py`, PYTHON).href;
    this.name = this.module.split(".").at(-1) ?? this.module;
    const find = (/** @type {string} */ part) => /** @type {HTMLElement} */ (host.querySelector(part));
    this.controls = find(".scenario__controls");
    this.panel = find(".scenario__run");
    this.shown = find(".scenario__shown");
    this.picture = find(".scenario__picture");
    const code = find(".scenario__code");

    this.bench = new Bench({
      name: this.module,
      file: `${this.name}.py`,
      label: this.name.replaceAll("_", " "),
      block: code,
      runs: "Run every schedule",
      run: (signal) => this.exhaust(signal),
      copy: (signal) => this.ask({ do: "alone" }, signal, { engine: new URL("snippets/world.py", PYTHON).href }),
      alone: ": one file that runs alone",
      edited: () => this.edited(),
      signal,
    });
    code.before(this.bench.tools, this.bench.hint);
    code.after(this.bench.screen, this.bench.below);

    this.place = new Place(signal);
    this.hint = el("p", { class: "run-variant" });
    this.tabs = el("div", { class: "run-tabs", role: "tablist", "aria-label": "Variants" });
    roving(this.tabs, () => this.tabList(), (tab) => tab.click());
    this.panel.id = `${host.id}-run`;
    this.panel.setAttribute("role", "tabpanel");
    this.steps = new Steps(this.picture, this.panel, signal);
    this.switches = el("fieldset", { class: "run-switches", hidden: true });
    this.outcome = el("p", { class: "run-outcome", role: "status" });
    this.link = button("Copy link to this run", () => this.copyLink());
    this.cells = new Cells({
      name: this.name.replaceAll("_", " "),
      judge: (signal) => this.judge(this.variant, signal),
      open: (schedule) => void this.show((signal) => this.run(this.variant, signal, schedule)),
      total: () => (this.bench.code === null && this.variants.find(({ name }) => name === this.variant)?.total) || null,
      unasked: () => (this.counts.open = true),
      doing: (job) => this.doing(job),
    });
    // The page's counts answer the guess, so they wait until they are asked for.
    this.counts = el("details", { class: "run-counts" }, el("summary", {}, "How many schedules break, variant by variant"));
    const table = find(".scenario__verdicts");
    table.before(this.counts);
    this.counts.append(table);
    this.controls.append(this.tabs, this.hint, this.cells.host, this.place.host);
    const stage = el("div", { class: "run-stage" });
    this.picture.before(stage);
    const small = matchMedia("(max-width: 44.9em)").matches; // where a page would be all controls
    const first = document.querySelector("figure.scenario") === host;
    stage.append(
      el("div", { class: "run-view" }, this.picture, this.steps.bar),
      fold("Break it", this.switches, first || !small),
      fold("What each node could log", this.steps.logs, !small),
    );
    stage.after(el("div", { class: "run-link" }, this.link));

    this.variants = this.variantsOfThePage();
    this.lay();
    const data = /** @type {HTMLTemplateElement | null} */ (host.querySelector("template.scenario__data"))?.content;
    if (data?.textContent) this.render({ ...JSON.parse(data.textContent), svg: "" });
    else this.select();
    for (const part of [this.controls, this.steps.bar, this.switches]) intent(part, signal, () => void this.known());
    this.follow();
  }

  /** A link that names a run of this figure opens it. */
  follow() {
    const run = named();
    if (run?.module !== this.module) return;
    if (run.variant === this.variant && String(run.schedule) === String(this.schedule)) return;
    void this.show((signal) => this.run(run.variant, signal, run.schedule));
    if (!location.hash || location.hash === `#${this.host.id}`) this.panel.scrollIntoView();
  }

  /**
   * @param {object} question @param {AbortSignal} signal @param {Record<string, string>} [files]
   * @returns {Promise<any>}
   */
  ask(question, signal, files = {}) {
    const edit = this.bench.code === null ? {} : { code: this.bench.code };
    return ask(
      { module: this.module, ...edit, ...question },
      {
        signal,
        files: { source: this.source, ...files },
        output: (text) => this.bench.print(text),
      },
    );
  }

  /** @param {(signal: AbortSignal) => Promise<void>} job */
  doing(job) {
    return this.place.doing(job, (line) => this.bench.editor?.mark(line));
  }

  /**
   * What the build knows of the page's own code: nobody waits for Python to see that.
   * Nothing, where it is not there; Python is asked then.
   * @returns {Promise<Known>}
   */
  async known() {
    if (this.bench.code !== null || this.ran) return {};
    this.knows ??= fetch(new URL(`${this.module}.json`, RUNS), { cache: "no-cache", signal: this.signal })
      .then((answer) => (answer.ok ? answer.json() : {}))
      .catch(() => ({}));
    return this.knows;
  }

  /** @param {string} variant @param {AbortSignal} signal @returns {Promise<Verdict>} */
  judge(variant, signal) {
    const asked = this.verdicts.get(variant);
    if (asked) return asked;
    const verdict = this.known().then((known) => known[variant]?.verdict ?? this.ask({ do: "judge", variant }, signal));
    this.verdicts.set(variant, verdict);
    verdict.catch(() => this.verdicts.get(variant) === verdict && this.verdicts.delete(variant));
    return verdict;
  }

  /**
   * A run: the one of this schedule, or the one that says most about the variant.
   * @param {string} variant @param {AbortSignal} signal @param {number[]} [schedule] @returns {Promise<Run>}
   */
  async run(variant, signal, schedule) {
    const known = (await this.known())[variant]?.run;
    if (known && (!schedule || String(schedule) === String(known.schedule))) return known;
    return this.ask({ do: "draw", variant, schedule: schedule ?? (await this.judge(variant, signal)).telling }, signal);
  }

  /** @param {(signal: AbortSignal) => Promise<Run>} wanted shown as soon as it is there, and what goes wrong is said */
  show(wanted) {
    return this.doing((signal) => this.draw(wanted(signal), signal));
  }

  /** Draw a run, unless the reader wants another by then. @param {Promise<Run>} wanted @param {AbortSignal} signal */
  async draw(wanted, signal) {
    const turn = ++this.turn;
    const run = await wanted;
    if (turn === this.turn && !signal.aborted) this.render(run);
  }

  /** @param {string} variant to be shown by the run that says most about it */
  open(variant) {
    this.variant = variant;
    this.select();
    if (!saving()) warm(); // the next wish will need it
    return this.show((signal) => this.run(variant, signal));
  }

  /** @param {Run} run with an empty `svg` where the page shows it already */
  render(run) {
    const first = !run.svg;
    const stood = this.placeOfSwitch();
    if (!first) this.picture.innerHTML = run.svg;
    this.variant = run.variant;
    this.schedule = run.schedule;
    this.select();
    this.steps.show(run);
    this.breakIt(run);
    this.ofEdit = this.bench.code !== null;
    if (first) return;
    this.shown.replaceChildren(
      "One run of ", el("code", {}, run.variant), ": ",
      run.surprises ? plural(run.surprises, "surprise") : "the good day",
      "; result ", el("code", { class: "scenario__result" }, run.result), ": ", verdictOf(run), ".",
    );
    this.cells.choose(run.schedule);
    // The picture above the switch has another height now; the switch stays under the finger.
    if (stood !== null) scrollBy({ top: (this.placeOfSwitch() ?? stood) - stood, behavior: "instant" });
    this.turned = -1;
    if (this.bench.code === null) {
      this.linked = { module: this.module, variant: run.variant, schedule: run.schedule };
      readdress(addressOf(this.linked, this.host.id));
    }
  }

  // --- the variants ----------------------------------------------------------------

  /** @returns {Variant[]} */
  variantsOfThePage() {
    return [...this.host.querySelectorAll("tr[data-variant]")].map((row) => ({
      name: /** @type {HTMLElement} */ (row).dataset.variant ?? "",
      hint: row.querySelector("th span")?.textContent ?? "",
      total: Number(/** @type {HTMLElement} */ (row).dataset.total),
    }));
  }

  tabList() {
    return /** @type {HTMLElement[]} */ ([...this.tabs.children]);
  }

  /** Lay out one tab for each variant. */
  lay() {
    this.tabs.replaceChildren(
      ...this.variants.map(({ name }) =>
        el("button", {
          type: "button", role: "tab", id: `${this.host.id}-tab-${name}`, "aria-controls": this.panel.id,
          "data-variant": name, onclick: () => name !== this.variant && this.open(name),
        }, name.replaceAll("_", " ")),
      ),
    );
    this.select();
  }

  /** Mark the variant that is shown. */
  select() {
    for (const tab of this.tabList()) {
      const here = tab.dataset.variant === this.variant;
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
      if (here) this.panel.setAttribute("aria-labelledby", tab.id);
    }
    this.hint.textContent = this.variants.find(({ name }) => name === this.variant)?.hint ?? "";
    this.cells.of(this.variant);
  }

  // --- the choices of this run -------------------------------------------------------

  /** @param {Run} run */
  breakIt(run) {
    const held = this.switches.contains(document.activeElement)
      ? [...this.switches.querySelectorAll("input, select")].indexOf(/** @type {Element} */ (document.activeElement))
      : -1;
    this.switches.replaceChildren(
      el("legend", {}, "Break it: the choices of this run"),
      ...numbered(run.choices).map((choice, number) => this.choice(choice, (pick) => {
        this.turned = number;
        void this.show((signal) => this.ask({ do: "draw", variant: run.variant, schedule: run.schedule, change: [number, pick] }, signal));
      })),
    );
    this.outcome.replaceChildren("→ ", verdictOf(run), ", result ", el("code", {}, run.result));
    this.switches.append(this.outcome);
    this.switches.hidden = run.choices.length === 0;
    this.switches.closest("details")?.toggleAttribute("hidden", this.switches.hidden);
    this.switch(held)?.focus({ preventScroll: true });
  }

  /** @param {number} number @returns {HTMLElement | null} that switch, or the last, if there are fewer now */
  switch(number) {
    const all = /** @type {HTMLElement[]} */ ([...this.switches.querySelectorAll("input, select")]);
    return (number >= 0 && all[Math.min(number, all.length - 1)]) || null;
  }

  placeOfSwitch() {
    return this.switch(this.turned)?.getBoundingClientRect().top ?? null;
  }

  /** @param {Choice} choice @param {(pick: number) => void} pick */
  choice({ what, options, picked }, pick) {
    if (String(options) === "False,True") {
      const box = el("input", { type: "checkbox", role: "switch", checked: picked === 1, onchange: () => pick(box.checked ? 1 : 0) });
      return el("label", { class: "run-switch" }, box, el("span", {}, what));
    }
    const list = el("select", { onchange: () => pick(list.selectedIndex) },
      ...options.map((option, i) => el("option", { selected: i === picked }, option)));
    return el("label", { class: "run-switch" }, el("span", {}, `${what}:`), list);
  }

  // --- the address -------------------------------------------------------------------

  async copyLink() {
    const href = addressOf(this.linked, this.host.id);
    const said = this.bench.code === null ? "Link copied." : "Link copied. It opens the page's own code; your edit stays with you.";
    try {
      await navigator.clipboard.writeText(href);
      this.link.textContent = said;
    } catch {
      this.link.textContent = "The link is in the address bar.";
      readdress(href);
    }
    setTimeout(() => (this.link.textContent = "Copy link to this run"), 4_000);
  }

  // --- the reader's code ---------------------------------------------------------------

  /** The code became another: what was known of it is no longer known. */
  edited() {
    this.verdicts.clear();
    const edited = this.bench.code !== null;
    this.host.toggleAttribute("data-edited", edited);
    if (edited) return this.cells.wait();
    this.variants = this.variantsOfThePage();
    this.lay();
    const { variant, schedule } = this.linked;
    this.cells.forget();
    const redraw = this.ran || this.ofEdit;
    this.ran = false;
    if (redraw) void this.show((signal) => this.run(variant, signal, schedule));
  }

  /** Every schedule of every variant, and the docstring's examples, of the code as it is. */
  /** @param {AbortSignal} signal */
  async exhaust(signal) {
    const edited = this.bench.code !== null;
    /** @type {[{variants: Variant[]}, typeof import("./report.js")]} */
    const [{ variants }, { Report }] = await Promise.all([this.ask({ do: "about" }, signal), load("report")]);
    this.verdicts.clear();
    this.ran = true;
    this.variants = variants;
    if (!variants.some(({ name }) => name === this.variant)) this.variant = variants.at(-1)?.name ?? "";
    this.lay();
    const report = new Report(this.bench.result, edited, {
      open: (name) => { void this.open(name); this.host.scrollIntoView({ block: "start" }); },
      before: (name) => this.told(name),
    });
    for (const { name } of variants) report.add(await this.judge(name, signal));
    this.bench.heard.textContent = report.end(await this.ask({ do: "check" }, signal));
    this.cells.asked = false;
    this.counts.open = true;
    this.cells.forget();
    await this.draw(this.run(this.variant, signal, edited ? undefined : this.schedule), signal);
  }

  /** What the page says of a variant of its own code. @param {string} variant */
  told(variant) {
    const cell = this.host.querySelector(`tr[data-variant="${CSS.escape(variant)}"] td`);
    return cell ? (cell.textContent ?? "").trim() : null;
  }
}

/**
 * What a run is asked more than once says which time it is.
 * @param {Choice[]} choices @returns {Choice[]}
 */
function numbered(choices) {
  const times = (/** @type {string} */ what, /** @type {Choice[]} */ among) => among.filter((each) => each.what === what).length;
  return choices.map((choice, n) => {
    if (times(choice.what, choices) === 1) return choice;
    const nth = times(choice.what, choices.slice(0, n + 1));
    return { ...choice, what: `${choice.what} (${nth}${["st", "nd", "rd"][nth - 1] ?? "th"} time)` };
  });
}

/** @param {string} words @param {HTMLElement} part @param {boolean} open */
function fold(words, part, open) {
  return el("details", { class: "run-fold", open }, el("summary", {}, words), part);
}

/** @param {Run} run */
function verdictOf(run) {
  return el("strong", { class: run.holds ? "run-holds" : "run-breaks" }, run.holds ? "the invariant holds" : "breaks the invariant");
}

/** @param {string} picks */
function numbers(picks) {
  return picks ? picks.split(".").map(Number) : [];
}
