// @ts-check
import { button, el, plural } from "./dom.js";

/**
 * What came of running every schedule: each variant's verdict, and what the docstring says
 * of the code now.
 *
 * @typedef {import("./scenario.js").Verdict} Verdict
 * @typedef {{line: number, example: string, expected: string, got: string, ok: boolean}} Example
 */
export class Report {
  /** @type {string[]} */
  said = [];

  /**
   * @param {HTMLElement} place @param {boolean} edited is the code the reader's?
   * @param {{open: (variant: string) => void, before: (variant: string) => string | null}} options
   *   `before`: what the page says of a variant of its own code
   */
  constructor(place, edited, options) {
    this.place = place;
    this.edited = edited;
    this.options = options;
    this.list = el("ul", { class: "run-verdicts" });
    place.replaceChildren(this.list);
  }

  /** @param {Verdict} verdict */
  add({ variant, bad, total }) {
    const now = bad ? `breaks in ${bad} of ${total}` : `holds in all ${total}`;
    const before = this.options.before(variant);
    const same = this.edited ? " as before" : " as the tests saw";
    this.said.push(`${variant.replaceAll("_", " ")} ${now}`);
    this.list.append(
      el("li", { class: bad ? "run-breaks" : "run-holds" },
        button(variant, () => this.options.open(variant), { class: "run-name" }),
        ` ${now}`,
        el("small", {}, before === null ? "" : before === now ? same : ` (before: ${before})`)),
    );
  }

  /**
   * An edit is no mistake: the examples are about the page's own code, and those that differ
   * say what the edit changed.
   * @param {Example[]} examples @returns {string} all of it in words
   */
  end(examples) {
    const broken = examples.filter(({ ok }) => !ok);
    const all = plural(examples.length, "example");
    const count = `${broken.length} of ${all}`;
    const one = broken.length === 1;
    const lost = this.edited
      ? `What your edit changed: ${count}, written for the page’s own code, ${one ? "says" : "say"} something else now.`
      : `What the tests check: ${count} ${one ? "does" : "do"} not hold.`;
    this.place.append(broken.length
      ? el("details", { class: "run-claims", open: !this.edited },
          el("summary", { class: this.edited ? "" : "run-breaks" }, lost),
          ...broken.map(({ example, expected, got }) =>
            el("pre", { tabindex: "0" },
              ">>> ", example.replaceAll("\n", "\n... "), "\n", el("del", {}, expected || "(nothing)"), "\n", el("ins", {}, got || "(nothing)"))))
      : el("p", { class: "run-claims run-holds" }, `What the tests check: ${examples.length} of ${all} hold`));
    return `${this.said.join("; ")}. ${broken.length ? lost : "Every example of the docstring holds."}`;
  }
}
