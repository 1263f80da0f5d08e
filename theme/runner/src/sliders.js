// @ts-check
import { Place, intent } from "./bench.js";
import { el } from "./dom.js";
import { ask } from "./python.js";

const PYTHON = new URL("../python/", import.meta.url);

/**
 * A plot that Python computes anew when a knob is turned.
 * @param {HTMLElement} host @param {AbortSignal} signal
 */
export function sliders(host, signal) {
  const module = host.dataset.module ?? "";
  const source = new URL(`snippets/${module.replaceAll(".", "/")}.py`, PYTHON).href;
  const picture = /** @type {HTMLElement} */ (host.querySelector(".sliders__picture"));
  const controls = /** @type {HTMLElement} */ (host.querySelector(".sliders__controls"));
  const values = [...host.querySelectorAll(".sliders__values dd")];
  const said = el("p", { class: "run-count", role: "status" });
  /** @type {{name: string, value: number | boolean, range: string}[]} */
  const knobs = JSON.parse(host.dataset.knobs ?? "[]");
  let turn = 0;

  const place = new Place(signal);
  /** @param {AbortSignal} wish */
  const tell = async (wish) => {
    const mine = ++turn;
    const svg = await ask(
      { do: "called", module, function: host.dataset.function, arguments: Object.fromEntries(knobs.map(({ name, value }) => [name, value])) },
      { signal: wish, files: { source } },
    );
    if (mine !== turn) return;
    picture.innerHTML = svg;
    said.textContent = picture.querySelector("desc")?.textContent ?? "";
  };
  for (const [number, knob] of knobs.entries()) {
    const words = knob.name.replaceAll("_", " ");
    const shown = el("output", {}, inWords(knob.value));
    /** @param {number | boolean} value */
    const turned = (value) => {
      knob.value = value;
      shown.textContent = inWords(value);
      const dd = values[number];
      if (dd) dd.textContent = inWords(value);
      void place.doing(tell);
    };
    const [low, high] = knob.range.split("..").map(Number);
    if (high !== undefined && low !== undefined) {
      const step = Number.isInteger(low) && Number.isInteger(high) && Number.isInteger(knob.value) ? 1 : (high - low) / 100;
      const input = el("input", { type: "range", min: low, max: high, step, value: knob.value, oninput: () => turned(Number(input.value)) });
      controls.append(el("label", { class: "run-knob" }, el("span", {}, words), input, shown));
    } else {
      const options = knob.range.split(",").map((each) => each.trim());
      const list = el("select", { onchange: () => turned(/^(no|yes)$/.test(list.value) ? list.value === "yes" : Number(list.value)) },
        ...options.map((each) => el("option", { selected: each === inWords(knob.value) }, each)));
      controls.append(el("label", { class: "run-knob" }, el("span", {}, words), list));
    }
  }
  controls.append(place.host, said);
  intent(controls, signal);
}

/** @param {number | boolean} value as the page's text has it */
function inWords(value) {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}
