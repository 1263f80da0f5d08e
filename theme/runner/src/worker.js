// @ts-check
/// <reference lib="webworker" />
/**
 * Python, in a thread of its own: an endless loop here leaves the page alive.
 *
 * A later boot starts from a memory snapshot that the first boot left in the
 * browser's cache. Whatever is wrong with the snapshot, Python boots without it.
 *
 * @typedef {{loadPyodide: (options: object) => Promise<any>}} Loader
 * @typedef {{why: string, name?: string, headers?: Headers, bytes?: Promise<ArrayBuffer>}} Held
 * @typedef {{default: (settings: Record<string, unknown>) => Promise<any>}} Maker makes the WebAssembly module
 * @typedef {{version: string, digest: string, lock: object, bytes: Record<string, number>}} Runtime
 */
const worker = /** @type {DedicatedWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const assets = new URL("../", import.meta.url);
const STORE = "python-snapshots";
const HEAP = 30 * 2 ** 20; // a snapshot of a larger heap does not load
const LEAVE = 512 * 2 ** 20; // a heap that grew past this is not kept for the next run

// Pyodide makes errors while it boots, for its own use. To say where, V8 would read the whole
// script once more; their messages are enough here.
/** @type {{stackTraceLimit?: number}} */ (Error).stackTraceLimit = 0;

// Kept before the reader's code can run, then taken away from it.
const get = worker.fetch.bind(worker);
const say = worker.postMessage.bind(worker);
const store = openStore();
const progress = { loaded: 0, told: 0, total: 0 };

// Begun at once, so that nothing waits for what it does not need.
/** @type {Promise<typeof import("./sparse.js")>} */
const sparse = import(new URL("./sparse.js", import.meta.url).href);
const held = kept();
const wasm = compiled();
for (const begun of [sparse, wasm]) begun.catch(() => {}); // whoever needs it hears of it

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
    const [runtime, files, loader, maker, found] = await Promise.all([
      /** @type {Promise<Runtime>} */ (json("runner/runtime.json")),
      /** @type {Promise<Record<string, string>>} */ (json("python/engine.json")),
      /** @type {Promise<Loader>} */ (import(new URL("pyodide/pyodide.mjs", assets).href)),
      /** @type {Promise<Maker>} */ (import(new URL("pyodide/pyodide.asm.mjs", assets).href)),
      held,
    ]);
    progress.total = Object.values(runtime.bytes).reduce((sum, bytes) => sum + bytes, 0);
    const lost = instead();
    const key = await name(runtime, files);
    const options = {
      indexURL: new URL("pyodide/", assets).href,
      lockFileContents: /** @type {any} */ (runtime.lock),
      packageBaseUrl: new URL("pyodide/", assets).href,
      env: { HOME: "/home/reader", PYTHONHASHSEED: "0" },
      stdin: () => null,
    };
    let py = null;
    let how = "snapshot";
    let because = key ? found.why : "this browser keeps no cache for the page";
    if (key && found.name === key) {
      try {
        py = await Promise.race([loader.loadPyodide({ ...options, ...restored(found, maker) }), lost]);
      } catch (error) {
        await Promise.race([lost, null]); // if a file did not come, the snapshot is not at fault
        because = `the snapshot did not load: ${error}`;
        await forget(key);
      }
    }
    delete found.bytes; // as large as Python itself
    /** @type {Uint8Array | null} */
    let fresh = null;
    if (!py) {
      how = "files";
      py = await Promise.race([loader.loadPyodide({ ...options, _makeSnapshot: key !== null }), lost]);
      write(py, files);
      py.runPython("import bridge, used");
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

/** @param {any} py @param {Record<string, string>} files */
function write(py, files) {
  py.FS.mkdirTree("/chapter/snippets");
  for (const [path, content] of Object.entries(files)) py.FS.writeFile(`/chapter/${path}`, content);
  py.runPython("import sys\nif '/chapter' not in sys.path: sys.path.insert(0, '/chapter')");
}

/** WebAssembly is fetched and compiled while everything else is still on its way. */
async function compiled() {
  const response = await fetched(new URL("pyodide/pyodide.asm.wasm", assets));
  return WebAssembly.compileStreaming(response);
}

/**
 * What Pyodide gets in place of its own fetch and its own compiling. What is returned fails
 * when one of its large files does not come, since Pyodide may then wait for ever.
 */
function instead() {
  /** @type {PromiseWithResolvers<never>} */
  const { promise: lost, reject } = Promise.withResolvers();
  lost.catch(() => {});
  wasm.catch(reject);
  worker.fetch = async (input, init) => {
    if (/\.wasm$/.test(String(input))) return new Response();
    return fetched(input, init).catch((error) => {
      reject(error);
      throw error;
    });
  };
  WebAssembly.instantiateStreaming = async (_, imports) => {
    const module = await wasm;
    return { module, instance: await WebAssembly.instantiate(module, imports) };
  };
  return lost;
}

/**
 * Fetch a large file, and tell of its bytes. They are counted in a copy, since the browser
 * keeps compiled WebAssembly for the next visit only when it compiles its own response.
 * @param {RequestInfo | URL} input @param {RequestInit} [init]
 */
async function fetched(input, init) {
  const response = await get(input, init);
  if (!response.ok) throw new Error(`${response.status} for ${new URL(response.url).pathname}`);
  const counter = new WritableStream({ write: (chunk) => arrived(chunk.byteLength) });
  // Who has a snapshot waits less than counting takes.
  if (!(await held).name) response.clone().body?.pipeTo(counter).catch(() => {});
  return response;
}

/** @param {number} bytes */
function arrived(bytes) {
  progress.loaded += bytes;
  const { loaded, told, total } = progress;
  if (total && (loaded >= total || loaded - told > total / 50)) say({ loaded: (progress.told = loaded), total });
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
 * The one snapshot that is kept, if there is one. It is read at once; whether it is of this
 * engine is known later.
 * @returns {Promise<Held>}
 */
async function kept() {
  try {
    const cache = await store;
    const [request] = (await cache?.keys()) ?? [];
    const found = request && (await cache?.match(request));
    if (!found) return { why: "no snapshot of this version is kept" };
    const bytes = found.arrayBuffer();
    bytes.catch(() => {});
    return { why: "no snapshot of this version is kept", name: request.url, headers: found.headers, bytes };
  } catch (error) {
    return { why: `the cache cannot be read: ${error}` };
  }
}

/**
 * What makes Pyodide start from the snapshot. It is read while WebAssembly is compiled, and
 * goes straight into its memory: Pyodide itself is given the head alone, filled in time.
 * @param {Held} found @param {Maker} maker
 */
function restored(found, maker) {
  const head = new Uint8Array(Number(found.headers?.get("x-head")));
  return {
    _loadSnapshot: head,
    createPyodideModule: async (/** @type {Record<string, unknown>} */ settings) => {
      settings.INITIAL_MEMORY = Number(found.headers?.get("x-heap"));
      const [module, bytes, { unpack }] = await Promise.all([maker.default(settings), found.bytes, sparse]);
      unpack(new Uint8Array(/** @type {ArrayBuffer} */ (bytes)), head, module.HEAPU8);
      return module;
    },
  };
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
    const { packed, head, heap } = (await sparse).pack(bytes);
    const headers = { "x-head": String(head), "x-heap": String(heap) };
    await cache.put(key, new Response(/** @type {BodyInit} */ (packed), { headers }));
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
    "RTCPeerConnection", "FontFace", "postMessage", "close", "eval", "Function",
  ];
  const shut = function () { // a function, for some of them are called with `new`
    throw new Error("code on this page cannot reach the network");
  };
  shut.prototype = Function.prototype; // Pyodide calls what is there
  for (const way of ways) replace(way, shut);
  // A text that becomes code could say `import("https:…")`, which nothing here could refuse.
  for (const kind of [() => {}, async () => {}, function* () {}, async function* () {}])
    Object.defineProperty(Object.getPrototypeOf(kind), "constructor", { value: shut, configurable: false });
  for (const way of /** @type {const} */ (["setTimeout", "setInterval"])) {
    const real = worker[way].bind(worker);
    replace(way, (/** @type {unknown} */ job, /** @type {unknown[]} */ ...rest) =>
      typeof job === "function" ? real(/** @type {any} */ (job), .../** @type {any} */ (rest)) : shut());
  }
}

/** @param {string} way of the worker's, wherever it is inherited from @param {unknown} value */
function replace(way, value) {
  for (let owner = worker; owner; owner = Object.getPrototypeOf(owner))
    if (Object.hasOwn(owner, way) || owner === worker)
      Object.defineProperty(owner, way, { value, configurable: false, writable: false });
}
