// @ts-check
/**
 * The page's entry: gives every figure and every plain block its controls, and takes them
 * away again when an instant navigation leaves the page. Python is not fetched here.
 */
import { folds } from "./folds.js";

/**
 * What gives a part of the page its controls: the module and its function, of one name.
 * Each is fetched by the pages that show such a part.
 * @typedef {(host: HTMLElement, signal: AbortSignal) => void} Part
 */
const parts = {
  scenario: "figure.scenario",
  puzzle: "figure.puzzle",
  sliders: "figure.sliders",
  snippet: "[data-snippet][data-runs]",
};
let page = new AbortController();
/** @type {Element | null} */
let body = null;

async function controls() {
  const now = document.querySelector("article");
  if (now && now === body) return; // the same page again
  body = now;
  page.abort();
  const { signal } = (page = new AbortController());
  if (now) folds(now, signal);
  for (const [part, selector] of Object.entries(parts))
    for (const host of document.querySelectorAll(selector)) {
      /** @type {Record<string, Part>} */
      const { [part]: give } = await import(`./${part}.js`);
      if (signal.aborted) return; // the reader has left
      if (host instanceof HTMLElement) give?.(host, signal);
      await new Promise((next) => setTimeout(next)); // the reader comes first
    }
  setTimeout(() => void import("./keep.js").then(({ keep }) => keep()), 2_000); // when all is quiet
}

/** @type {{subscribe: (listener: () => void) => void} | undefined} Material's, if it is there */
const pages = /** @type {any} */ (window).document$;
if (pages) pages.subscribe(controls);
else controls();
