/**
 * Puts what the site serves into dist/: each module without its comments, the editor
 * bundled, and the runtime's digest, which names the snapshots made of it.
 */
import { build, transform } from "esbuild";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";

const here = new URL("./", import.meta.url);
const at = (/** @type {string} */ path) => new URL(path, here);
const RUNTIME = ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"];

await rm(at("dist"), { recursive: true, force: true });
await mkdir(at("dist"));
for (const name of await readdir(at("src"))) {
  if (name === "editor.js") continue;
  if (!name.endsWith(".js")) await cp(at(`src/${name}`), at(`dist/${name}`), { recursive: true });
  else {
    const { code } = await transform(await readFile(at(`src/${name}`), "utf8"), { minify: true });
    await writeFile(at(`dist/${name}`), code);
  }
}
await build({
  entryPoints: [at("src/editor.js").pathname],
  outfile: at("dist/editor.js").pathname,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "eof",
  logLevel: "warning",
});

const digest = createHash("sha256");
/** @type {Record<string, number>} */
const bytes = {};
for (const name of RUNTIME) {
  const content = await readFile(at(`node_modules/pyodide/${name}`));
  digest.update(content);
  if (!name.endsWith(".mjs")) bytes[name] = content.length;
}
const { info } = JSON.parse(await readFile(at("node_modules/pyodide/pyodide-lock.json"), "utf8"));
const { version } = JSON.parse(await readFile(at("node_modules/pyodide/package.json"), "utf8"));
const lock = { info, packages: {} }; // no package beside the standard library is served
await writeFile(
  at("dist/runtime.json"),
  JSON.stringify({ version, digest: digest.digest("hex"), lock, bytes }),
);
