// @ts-check
/**
 * The page's entry: gives every figure and every plain block its controls, and takes them
 * away again when an instant navigation leaves the page. Python is not fetched here.
 */
import { folds } from "./folds.js";
import { puzzle } from "./puzzle.js";
import { scenario } from "./scenario.js";
import { sliders } from "./sliders.js";
import { snippet } from "./snippet.js";

/** @type {[string, (host: HTMLElement, signal: AbortSignal) => void][]} */
const parts = [
  ["figure.scenario", scenario],
  ["figure.puzzle", puzzle],
  ["figure.sliders", sliders],
  ["[data-snippet][data-runs]", snippet],
];
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
  for (const [selector, part] of parts)
    for (const host of document.querySelectorAll(selector)) {
      if (signal.aborted) return; // the reader has left
      if (host instanceof HTMLElement) part(host, signal);
      await new Promise((next) => setTimeout(next)); // the reader comes first
    }
  setTimeout(() => void import("./keep.js").then(({ keep }) => keep()), 2_000); // when all is quiet
}

/** @type {{subscribe: (listener: () => void) => void} | undefined} Material's, if it is there */
const pages = /** @type {any} */ (window).document$;
if (pages) pages.subscribe(controls);
else controls();
