// @ts-check
import { Place, intent } from "./bench.js";
import { button, el, plural } from "./dom.js";
import { ask } from "./python.js";

const PYTHON = new URL("../python/", import.meta.url);

/** @param {number} count */
const tales = (count) => (count === 1 ? "one story" : `${count} stories`);

/**
 * Buy evidence: each fact that is bought leaves fewer worlds; only some leave fewer stories.
 * @param {HTMLElement} host @param {AbortSignal} signal
 */
export function puzzle(host, signal) {
  const module = host.dataset.module ?? "";
  const source = new URL(`snippets/${module.replaceAll(".", "/")}.py`, PYTHON).href;
  const controls = /** @type {HTMLElement} */ (host.querySelector(".puzzle__controls"));
  const said = el("div", { class: "run-count", role: "status" });
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
      void place.doing(tell);
    }, { "aria-pressed": "false", "data-fact": fact }));
  const again = button("Start again", () => { bought = []; void place.doing(tell); }, { hidden: true });

  const place = new Place(signal);
  /** @param {AbortSignal} wish */
  const tell = async (wish) => {
    const mine = ++turn;
    buttons.forEach((each) => each.setAttribute("aria-pressed", String(bought.includes(each.dataset.fact ?? ""))));
    again.hidden = bought.length === 0;
    /** @type {{worlds: number, stories: number, answers: Record<string, string>, story: string[]}[]} */
    const counts = [];
    for (let n = 0; n <= bought.length; n++)
      counts.push(await ask({ do: "left", module, facts: bought.slice(0, n) }, { signal: wish, files: { source } }));
    if (mine !== turn) return;
    trail.replaceChildren(...counts.map(({ worlds, stories, answers }, n) => {
      const fact = bought[n - 1] ?? "";
      const asked = facts.find((each) => each.fact === fact)?.words ?? "";
      return el("li", {}, n === 0 ? "Nothing asked: " : `${asked} `, n === 0 ? null : el("q", {}, answers[fact] ?? ""), n === 0 ? null : ": ",
        el("strong", {}, `${plural(worlds, "world")}, ${tales(stories)}`));
    }));
    const { worlds = 0, stories = 0, answers = {}, story = [] } = counts.at(-1) ?? {};
    const last = bought.at(-1);
    const left = `${last ? `Answer: ${answers[last]}. ` : ""}${plural(worlds, "world")} and ${tales(stories)} left`;
    said.textContent = stories === 1 ? `${left}, with ${plural(bought.length, "piece")} of evidence:` : `${left}.`;
    if (stories === 1) said.append(el("ul", {}, ...story.map((part) => el("li", {}, part))));
  };
  const shop = el("div", { class: "run-shop", role: "group", "aria-label": "Evidence to buy" }, ...buttons);
  controls.append(shop, place.host, said, trail, again);
  intent(shop, signal);
}
