// @ts-check
/** Keeps each page that was read, with what it showed, to be read again without a network. */
const KEPT = "pages";
const PYTHON = /\/assets\/(pyodide|python)\//;

/** An author's own server is no place to keep anything; it says that it reloads pages. */
const authoring = "livereload" in window;
/** What is kept already: an instant navigation adds a page, and asks for nothing twice. */
const done = new Set();
const here = () => location.href.replace(/[?#].*/, "");

/** Keep this page and all that it fetched, which the browser still has at hand. */
export async function keep() {
  if (authoring || !("serviceWorker" in navigator)) return;
  try {
    const keeper = await navigator.serviceWorker.register(new URL("../../offline.js", import.meta.url));
    if (!keeper) return; // a browser that was told to have none
    const fetched = performance.getEntriesByType("resource").map(({ name }) => name);
    const own = fetched.filter((url) => url.startsWith(location.origin) && !PYTHON.test(url));
    const pages = await caches.open(KEPT);
    const fresh = [...new Set([here(), ...own])].filter((url) => !done.has(url));
    await Promise.allSettled(fresh.map((url) => pages.add(url).then(() => done.add(url))));
    document.documentElement.dataset.kept = here();
  } catch {
    // a private window, or no room: then the page reads as long as it is open
  }
}
