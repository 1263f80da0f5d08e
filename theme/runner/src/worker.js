// @ts-check
/// <reference lib="webworker" />
/**
 * Python, in a thread of its own: an endless loop here leaves the page alive.
 *
 * A later boot starts from a memory snapshot that the first boot left in the
 * browser's cache. Whatever is wrong with the snapshot, Python boots without it.
 *
 * @typedef {{loadPyodide: (options: object) => Promise<any>}} Loader
 * @typedef {{version: string, digest: string, lock: object, bytes: Record<string, number>}} Runtime
 */
import { pack, unpack } from "./sparse.js";

const worker = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const assets = new URL("../", import.meta.url);
const STORE = "python-snapshots";
const HEAP = 30 * 2 ** 20; // a snapshot of a larger heap does not load
const LEAVE = 512 * 2 ** 20; // a heap that grew past this is not kept for the next run

// Kept before the reader's code can run, then taken away from it.
const get = worker.fetch.bind(worker);
const say = worker.postMessage.bind(worker);
const store = openStore();

/** @type {Map<string, string>} */
const sources = new Map();
/** @type {number} the request that is running, for its output */
let running = 0;

// The listener stands before the first `await`: a message that comes earlier is kept.
const python = start();
worker.onmessage = async ({ data }) => {
  const question = { ...data.question };
  try {
    for (const file of data.files) question[file.as] = await text(file.url);
  } catch (error) {
    say({ id: data.id, missing: error instanceof Error ? error.message : String(error) });
    return;
  }
  try {
    const { ask } = await python;
    running = data.id;
    say({ id: data.id, ...JSON.parse(ask(JSON.stringify(question))) });
  } catch (error) {
    say({ id: data.id, fatal: String(error) });
  } finally {
    running = 0;
  }
  const { heap, keep } = await python;
  if (heap() > LEAVE) say({ grown: heap() });
  await keep();
};
python.catch(() => {});

/** Boot Python: from the snapshot if there is one, else from its files. */
async function start() {
  const began = performance.now();
  try {
    const [runtime, files, loader] = await Promise.all([
      /** @type {Promise<Runtime>} */ (json("runner/runtime.json")),
      engine(),
      /** @type {Promise<Loader>} */ (import(new URL("pyodide/pyodide.mjs", assets).href)),
    ]);
    const lost = counted(runtime);
    const key = await name(runtime, files);
    const options = {
      indexURL: new URL("pyodide/", assets).href,
      lockFileContents: /** @type {any} */ (runtime.lock),
      packageBaseUrl: new URL("pyodide/", assets).href,
      env: { HOME: "/home/reader", PYTHONHASHSEED: "0" },
      stdin: () => null,
    };
    const { found, why } = await stored(key);
    let py = null;
    let how = "snapshot";
    let because = why;
    if (found) {
      try {
        // A promise: it is read and checked while Pyodide fetches its own files.
        py = await Promise.race([loader.loadPyodide({ ...options, _loadSnapshot: whole(found) }), lost]);
      } catch (error) {
        because = `the snapshot did not load: ${error}`;
        await forget(key);
      }
    }
    /** @type {Uint8Array | null} */
    let fresh = null;
    if (!py) {
      how = "files";
      py = await Promise.race([loader.loadPyodide({ ...options, _makeSnapshot: key !== null }), lost]);
      write(py, files);
      py.runPython("import bridge");
      if (key && py._module.HEAPU8.length <= HEAP) fresh = py.makeMemorySnapshot();
      else if (key) because = "the heap is too big for a snapshot";
    } else {
      write(py, files);
    }
    const bridge = py.runPython("import bridge; bridge");
    bridge.awake((/** @type {string} */ text) => say({ id: running, output: text }));
    const ask = bridge.answer;
    close();
    say({ ready: how, why: because, ms: Math.round(performance.now() - began) });
    const ready = {
      ask,
      heap: () => py._module.HEAPU8.length,
      keep: async () => {
        const bytes = fresh;
        fresh = null;
        if (bytes && key) say({ kept: await put(key, bytes) });
      },
    };
    return ready;
  } catch (error) {
    say({ unavailable: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/**
 * The Python files that every figure needs, by their path in the file system: the bridge,
 * figure.py, and the modules of the engine that these import, one from another.
 */
async function engine() {
  /** @type {Record<string, string>} */
  const files = {};
  /** @type {(path: string, from: string) => Promise<void>} */
  const take = async (path, from) => {
    if (path in files) return;
    files[path] = ""; // taken, so that two importers fetch it once
    files[path] = await text(new URL(from + path, assets).href);
    const names = files[path].matchAll(/^from snippets(?:\.(\w+))? import (\w+)/gm);
    await Promise.all(Array.from(names, ([, a, b]) => take(`snippets/${a ?? b}.py`, "python/")));
  };
  await Promise.all([
    take("bridge.py", "runner/"),
    take("figure.py", "python/"),
    take("snippets/__init__.py", "python/"),
  ]);
  return Object.fromEntries(Object.entries(files).sort());
}

/** @param {any} py @param {Record<string, string>} files */
function write(py, files) {
  py.FS.mkdirTree("/chapter/snippets");
  for (const [path, content] of Object.entries(files)) py.FS.writeFile(`/chapter/${path}`, content);
  py.runPython("import sys\nif '/chapter' not in sys.path: sys.path.insert(0, '/chapter')");
}

/**
 * Tell of progress in bytes while Pyodide fetches its large files. What is returned fails
 * when one of them does not come, since Pyodide may then wait for ever.
 * @param {Runtime} runtime
 */
function counted(runtime) {
  /** @type {PromiseWithResolvers<never>} */
  const { promise: lost, reject } = Promise.withResolvers();
  lost.catch(() => {});
  const total = Object.values(runtime.bytes).reduce((sum, bytes) => sum + bytes, 0);
  let loaded = 0;
  let told = 0;
  worker.fetch = async (input, init) => {
    const response = await get(input, init).catch((error) => {
      reject(error);
      throw error;
    });
    if (!response.ok) reject(new Error(`${response.status} for ${new URL(response.url).pathname}`));
    if (!response.ok || !response.body) return response;
    const counter = new TransformStream({
      transform(chunk, out) {
        loaded += chunk.byteLength;
        if (loaded >= total || loaded - told > total / 50) say({ loaded: (told = loaded), total });
        out.enqueue(chunk);
      },
    });
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(counter), { status, statusText, headers });
  };
  return lost;
}

/** @param {string} path */
async function json(path) {
  return JSON.parse(await text(new URL(path, assets).href));
}

/** @param {string} url */
async function text(url) {
  const known = sources.get(url);
  if (known !== undefined) return known;
  // Asked for anew each time: an older engine with a newer scenario would say nonsense.
  const response = await get(url, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${response.status} for ${new URL(url).pathname}`);
  const content = await response.text();
  sources.set(url, content);
  return content;
}

/** The cache, or null where the browser allows none (a private window, no https). */
async function openStore() {
  try {
    return await caches.open(STORE);
  } catch {
    return null;
  }
}

/**
 * The snapshot's name, which changes with the runtime and with the engine.
 * @param {Runtime} runtime @param {Record<string, string>} files
 */
async function name(runtime, files) {
  if (!(await store) || !crypto.subtle) return null;
  const all = new TextEncoder().encode(runtime.digest + JSON.stringify(files));
  return new URL(`snapshot/${await sha256(all)}`, assets).href;
}

/** @param {BufferSource} bytes */
async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The stored snapshot, if there is one.
 * @param {string | null} key
 * @returns {Promise<{found: Response | null, why: string}>}
 */
async function stored(key) {
  if (!key) return { found: null, why: "this browser keeps no cache for the page" };
  try {
    const found = (await (await store)?.match(key)) ?? null;
    return { found, why: found ? "" : "no snapshot of this version is kept" };
  } catch (error) {
    return { found: null, why: `the cache cannot be read: ${error}` };
  }
}

/** The snapshot's bytes. @param {Response} found */
function whole(found) {
  const bytes = found.arrayBuffer().then(unpack);
  bytes.catch(() => {}); // whoever waits for it hears of it
  return bytes;
}

/** @param {string | null} key */
async function forget(key) {
  if (key) await (await store)?.delete(key).catch(() => false);
}

/**
 * Keep a snapshot and drop the older ones. Says why when the browser refuses it.
 * @param {string} key @param {Uint8Array} bytes
 */
async function put(key, bytes) {
  try {
    const cache = await store;
    if (!cache) return "no cache";
    for (const old of await cache.keys()) await cache.delete(old);
    await cache.put(key, new Response(/** @type {BodyInit} */ (pack(bytes))));
    return "kept";
  } catch (error) {
    return `not kept: ${error}`;
  }
}

/** Take the ways to the network and to the page away from what runs from now on. */
function close() {
  const ways = [
    "fetch", "XMLHttpRequest", "WebSocket", "WebSocketStream", "WebTransport", "EventSource",
    "importScripts", "Worker", "SharedWorker", "BroadcastChannel", "caches", "indexedDB",
    "RTCPeerConnection", "postMessage", "close",
  ];
  const shut = function () { // a function, for some of them are called with `new`
    throw new Error("code on this page cannot reach the network");
  };
  for (const way of ways) {
    for (let owner = worker; owner; owner = Object.getPrototypeOf(owner)) {
      if (Object.hasOwn(owner, way) || owner === worker)
        Object.defineProperty(owner, way, { value: shut, configurable: false, writable: false });
    }
  }
}
