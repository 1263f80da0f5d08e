// @ts-check
import { intent } from "./bench.js";
import { button, el, plural } from "./dom.js";
import { Stopped, ask } from "./python.js";

const PYTHON = new URL("../python/", import.meta.url);

/**
 * Buy evidence: each fact that is bought leaves fewer worlds; only some leave fewer stories.
 * @param {HTMLElement} host @param {AbortSignal} signal
 */
export function puzzle(host, signal) {
  const module = host.dataset.module ?? "";
  const source = new URL(`snippets/${module.replaceAll(".", "/")}.py`, PYTHON).href;
  const controls = /** @type {HTMLElement} */ (host.querySelector(".puzzle__controls"));
  const said = el("p", { class: "run-count", role: "status" });
  const trail = el("ol", { class: "run-trail" });
  /** @type {string[]} */
  let bought = [];
  let turn = 0;
  const facts = [...host.querySelectorAll("tr[data-fact]")].map((row) => ({
    fact: /** @type {HTMLElement} */ (row).dataset.fact ?? "",
    words: row.querySelector("th")?.textContent ?? "",
  }));
  const buttons = facts.map(({ fact, words }) =>
    button(words, () => {
      bought = bought.includes(fact) ? bought.filter((each) => each !== fact) : [...bought, fact];
      void tell();
    }, { "aria-pressed": "false", "data-fact": fact }));
  const again = button("Start again", () => { bought = []; void tell(); }, { hidden: true });

  const tell = async () => {
    const mine = ++turn;
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(bought.includes(each.dataset.fact ?? ""))));
    again.hidden = bought.length === 0;
    said.textContent = "Counting what still fits…";
    try {
      /** @type {{worlds: number, stories: number}[]} */
      const counts = [];
      for (let n = 0; n <= bought.length; n++)
        counts.push(await ask({ do: "left", module, facts: bought.slice(0, n) }, { signal, files: { source } }));
      if (mine !== turn) return;
      trail.replaceChildren(...counts.map(({ worlds, stories }, n) =>
        el("li", {}, n === 0 ? "Nothing asked: " : `${facts.find(({ fact }) => fact === bought[n - 1])?.words} `,
          el("strong", {}, `${plural(worlds, "world")}, ${stories === 1 ? "1 story" : `${stories} stories`}`))));
      const end = counts.at(-1);
      const left = `${plural(end?.worlds ?? 0, "world")} and ${end?.stories === 1 ? "one story" : `${end?.stories} stories`} left`;
      said.textContent = end?.stories === 1
        ? `${left}: ended with ${plural(bought.length, "piece")} of evidence.`
        : `${left}.`;
    } catch (error) {
      if (mine !== turn || error instanceof Stopped) return;
      said.replaceChildren(`Python could not be fetched: ${/** @type {Error} */ (error).message}. `, button("Try again", () => void tell()));
    }
  };
  const shop = el("div", { class: "run-shop", role: "group", "aria-label": "Evidence to buy" }, ...buttons);
  controls.append(shop, said, trail, again);
  intent(shop, signal);
}
