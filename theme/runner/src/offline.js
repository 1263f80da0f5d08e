// @ts-check
/**
 * Keeps what was read, so that it can be read again without a network. The network comes
 * first: what can be fetched is never old. Python is not kept here; the runner says so.
 */
const home = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const PYTHON = /\/assets\/(pyodide|python)\//;

home.addEventListener("activate", (event) => event.waitUntil(home.clients.claim()));
home.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== home.location.origin || PYTHON.test(pathname)) return;
  event.respondWith(answer(request));
});

/** @param {Request} request */
async function answer(request) {
  try {
    return await fetch(request);
  } catch (trouble) {
    const kept = await caches.match(request, { ignoreSearch: true, ignoreVary: true });
    if (kept) return kept;
    throw trouble;
  }
}
