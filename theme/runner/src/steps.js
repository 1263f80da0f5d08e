// @ts-check
import { button, el } from "./dom.js";

/** Stepping through a run: one event lit, what is ahead dimmed, each node's log beside it. */
export class Steps {
  /** @type {SVGGElement[]} */
  events = [];
  /** @type {string[]} */
  words = [];
  at = -1; // -1: the whole run

  /**
   * @param {HTMLElement} picture @param {HTMLElement} panel where the arrow keys step
   * @param {AbortSignal} signal
   */
  constructor(picture, panel, signal) {
    this.picture = picture;
    picture.tabIndex = 0;
    picture.setAttribute("role", "group");
    picture.setAttribute("aria-label", "Diagram of the run. Left and right arrow keys step through it.");
    this.back = button("← Back", () => this.go(this.at < 0 ? this.events.length - 1 : this.at - 1));
    this.forward = button("Step →", () => this.go(this.at + 1));
    this.all = button("Whole run", () => this.go(-1));
    this.said = el("output", { class: "run-words" });
    this.bar = el("div", { class: "run-steps", role: "group", "aria-label": "Steps" },
      this.back, this.forward, this.all, this.said);
    this.logs = el("div", { class: "run-logs", role: "group", "aria-label": "What each node could have logged" });
    panel.addEventListener("keydown", (event) => this.key(event), { signal });
    picture.addEventListener("click", (event) => {
      const group = event.target instanceof Element ? event.target.closest("[data-event]") : null;
      if (group) this.go(this.events.indexOf(/** @type {SVGGElement} */ (group)));
    }, { signal });
    this.read();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (!this.picture.contains(target) && !this.bar.contains(target)) return;
    const last = this.events.length - 1;
    /** @type {Record<string, number>} */
    const moves = {
      ArrowRight: Math.min(last, this.at + 1),
      ArrowLeft: this.at < 0 ? last : Math.max(0, this.at - 1),
      Home: 0,
      End: last,
      Escape: -1,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.go(to);
  }

  /** Take the events from the picture that is there. */
  read() {
    this.events = /** @type {SVGGElement[]} */ ([...this.picture.querySelectorAll("[data-event]")]);
    this.words = [];
    this.go(-1);
  }

  /** @param {{words: string[], logs: Record<string, {event: number, text: string}[]>}} run */
  show({ words, logs }) {
    this.read();
    this.words = words;
    this.logs.replaceChildren(
      ...Object.entries(logs).map(([node, lines]) =>
        el("section", { class: "run-log" },
          el("p", { class: "run-log__node" }, `${node} could log`),
          lines.length === 0 ? el("p", { class: "run-log__none" }, "nothing") :
          el("ol", {}, ...lines.map(({ event, text }) => el("li", { "data-event": event }, text))))),
    );
    this.go(-1);
  }

  /** @param {number} to an event's place in the picture, or -1 for the whole run */
  go(to) {
    if (to < -1 || to >= this.events.length) return;
    this.at = to;
    const now = to < 0 ? Infinity : Number(this.events[to]?.dataset.event);
    for (const part of [...this.events, .../** @type {NodeListOf<HTMLElement>} */ (this.logs.querySelectorAll("[data-event]"))]) {
      const number = Number(part.dataset.event);
      part.classList.toggle("is-now", number === now);
      part.classList.toggle("is-ahead", number > now);
    }
    this.back.disabled = to === 0;
    this.forward.disabled = to === this.events.length - 1;
    this.all.hidden = to < 0;
    this.said.textContent = to < 0
      ? `${this.events.length} events`
      : `${to + 1} of ${this.events.length}: ${this.words[now] ?? ""}`;
    this.said.toggleAttribute("data-at", to >= 0);
    if (to >= 0) this.bringIntoView(/** @type {SVGGElement} */ (this.events[to]));
  }

  /** To measure is to lay the whole page out, so it is done for a step only.
   * @param {SVGGElement} lit */
  bringIntoView(lit) {
    const floor = Math.min(innerHeight, this.bar.getBoundingClientRect().top);
    const { top, bottom } = lit.getBoundingClientRect();
    if (top < 60 || bottom > floor)
      lit.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }
}
