// @ts-check
/**
 * The page's one Python: a worker that answers one question at a time.
 *
 * It outlives an instant navigation, so ten pages in a row still have one worker.
 *
 * @typedef {{text: string, line: number | null}} Trouble what the reader's code did wrong
 * @typedef {{ready?: string, why?: string, ms?: number, loaded?: number, total?: number}} News
 * @typedef {object} Request
 * @property {number} id
 * @property {object} question
 * @property {{as: string, url: string}[]} files
 * @property {(text: string) => void} output
 * @property {AbortSignal | undefined} signal
 * @property {(value: any) => void} resolve
 * @property {(error: Error) => void} reject
 */

/** The reader's own code failed: `line` is where, in the lines that the reader sees. */
export class Failed extends Error {
  /** @param {Trouble} trouble */
  constructor(trouble) {
    super(trouble.text);
    this.line = trouble.line;
  }
}

/** The reader ended it, or left the page. */
export class Stopped extends Error {}

/** Python could not be fetched or started. Asking again tries again. */
export class Unavailable extends Error {}

/** @type {Worker | null} */
let worker = null;
/** @type {Request | null} */
let current = null;
/** @type {Request[]} */
let waiting = [];
let count = 0;
/** @type {Set<(news: News) => void>} */
const listeners = new Set();
/** @type {News} */
let latest = {};

/** Start Python if it is not there yet. Called when a reader seems to want it. */
export function warm() {
  if (worker) return;
  latest = {};
  try {
    worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "python" });
  } catch (error) {
    return unavailable(String(error));
  }
  const mine = worker;
  worker.onmessage = ({ data }) => mine === worker && heard(data);
  worker.onerror = (event) => {
    event.preventDefault();
    if (mine === worker) unavailable(event.message || "its script did not load");
  };
}

/** Is Python there, and ready? */
export function isReady() {
  return latest.ready !== undefined;
}

/**
 * Ask Python something.
 * @param {object} question `do` and its arguments
 * @param {{output?: (text: string) => void, signal?: AbortSignal, files?: Record<string, string>}} [options]
 *   `files`: arguments that the worker fetches, by name
 * @returns {Promise<any>}
 */
export function ask(question, { output = () => {}, signal, files = {} } = {}) {
  return new Promise((resolve, reject) => {
    const list = Object.entries(files).map(([as, url]) => ({ as, url }));
    const request = { id: ++count, question, files: list, output, signal, resolve, reject };
    if (signal?.aborted) return reject(stopped(signal));
    signal?.addEventListener("abort", () => drop(request), { once: true });
    waiting.push(request);
    warm();
    next();
  });
}

/**
 * Hear how the boot goes, beginning with the latest news.
 * @param {(news: News) => void} listener @param {AbortSignal} signal
 */
export function onNews(listener, signal) {
  listeners.add(listener);
  signal.addEventListener("abort", () => listeners.delete(listener));
  listener(latest);
}

/** @param {AbortSignal} [signal] @returns {Stopped} why nobody waits any more */
export function stopped(signal) {
  return signal?.reason instanceof Stopped ? signal.reason : new Stopped();
}

/** Nobody waits for this any more: if it runs, it ends with the worker. @param {Request} request */
function drop(request) {
  waiting = waiting.filter((each) => each !== request);
  request.reject(stopped(request.signal));
  if (current === request) end();
  if (waiting.length) {
    warm();
    next();
  }
}

function end() {
  worker?.terminate();
  worker = null;
  current = null;
  latest = {};
}

function next() {
  if (current || !worker) return;
  current = waiting.shift() ?? null;
  if (current) {
    const { id, question, files } = current;
    worker.postMessage({ id, question, files });
  }
}

/** @param {any} data */
function heard(data) {
  if (data.unavailable !== undefined) return unavailable(data.unavailable);
  if (data.grown !== undefined) return restart();
  if (data.ready !== undefined || data.loaded !== undefined) {
    latest = { ...latest, ...data };
    const said = document.documentElement.dataset; // for whoever wonders how it went
    said.python = latest.ready ?? "loading";
    said.why = latest.why ?? "";
    for (const listener of listeners) listener(latest);
  }
  if (data.kept !== undefined) document.documentElement.dataset.snapshot = data.kept;
  if (!current || data.id !== current.id) return;
  if (data.output !== undefined) return current.output(data.output);
  const { resolve, reject } = current;
  current = null;
  if (data.fatal !== undefined) {
    end();
    const why = /call stack/.test(data.fatal) ? "the calls went deeper than the browser allows" : data.fatal;
    reject(new Failed({ text: `Python itself gave up: ${why}.\nIt starts anew with the next run.`, line: null }));
  } else if (data.missing !== undefined) reject(new Unavailable(data.missing));
  else if (data.error) reject(new Failed(data.error));
  else resolve(data.value);
  if (waiting.length) warm();
  next();
}

/** Memory that a run made Python take is given back by ending it. */
function restart() {
  if (current) waiting.unshift(current);
  end();
  warm();
  next();
}

/** @param {string} why */
function unavailable(why) {
  const lost = [...(current ? [current] : []), ...waiting];
  waiting = [];
  end();
  for (const listener of listeners) listener({});
  for (const request of lost) request.reject(new Unavailable(why));
}
