// @ts-check
/**
 * What the reader unfolded stays open on the way back, as long as the tab lives: a
 * question of the interview page leads to a figure of another page.
 * @param {Element} article @param {AbortSignal} signal
 */
export function folds(article, signal) {
  const key = `open ${location.pathname}`;
  const all = /** @type {HTMLDetailsElement[]} */ ([...article.querySelectorAll("details")].filter((each) => !each.closest("figure")));
  const keep = () => {
    try {
      sessionStorage.setItem(key, JSON.stringify(all.map(({ open }) => open)));
    } catch {
      // a browser that keeps nothing folds everything again
    }
  };
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    if (kept.length === all.length) all.forEach((each, n) => (each.open ||= kept[n])); // else the page has changed
  } catch {
    return;
  }
  for (const each of all) each.addEventListener("toggle", keep, { signal });
}
