// @ts-check
import { Bench } from "./bench.js";
import { plural } from "./dom.js";
import { ask } from "./python.js";

/**
 * Give a plain block its controls. Run executes the file, then every example of its
 * docstrings, and says whether they print what the tests saw.
 * @param {HTMLElement} host @param {AbortSignal} signal
 */
export function snippet(host, signal) {
  const path = host.dataset.snippet ?? "";
  const module = path.replace(/\.py$/, "").replaceAll("/", ".");
  const bench = new Bench({
    name: path,
    file: path.split("/").at(-1) ?? path,
    label: path,
    block: host,
    runs: "Run",
    signal,
    alone: "",
    edited: () => {},
    copy: async () => bench.code ?? bench.original,
    run: async (signal) => {
      const source = bench.code ?? bench.original;
      const found = /** @type {import("./report.js").Example[]} */ (
        await ask({ do: "snippet", module, source }, { signal, output: (text) => bench.print(text) })
      );
      const wrong = found.filter(({ ok }) => !ok);
      const examples = plural(found.length, "example");
      if (!found.length) bench.say(bench.code === null ? "It ran to its end, as the tests saw." : "It ran to its end.");
      else if (!wrong.length) bench.say(`${examples} ran, and printed what the tests saw.`);
      else {
        bench.say(`${wrong.length} of ${examples} printed something else than the tests saw.`);
        for (const { example, expected } of wrong) bench.print(`\nexpected of >>> ${example}\n${expected}\n`);
      }
    },
  });
  bench.below.dataset.said = path;
  host.before(bench.tools, bench.hint);
  host.after(bench.screen, bench.below);
}
