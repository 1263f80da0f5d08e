// @ts-check
/**
 * A run's name in the address: `?run=delivery.one_charge.ack_last:0.1.0`.
 *
 * @typedef {{module: string, variant: string, schedule: number[]}} Named
 */

/** @returns {Named | null} the run that this page's address names */
export function named() {
  const match = /^([\w.]+)\.(\w+):([\d.]*)$/.exec(new URL(location.href).searchParams.get("run") ?? "");
  if (!match) return null;
  const [, module = "", variant = "", picks = ""] = match;
  return { module, variant, schedule: picks ? picks.split(".").map(Number) : [] };
}

/** @param {Named} run @param {string} anchor @returns {string} */
export function addressOf({ module, variant, schedule }, anchor) {
  const url = new URL(location.href);
  url.search = `?run=${module}.${variant}:${schedule.join(".")}`;
  url.hash = anchor;
  return url.href;
}

/** @param {string} href the page's new address; no entry is added to the history */
export function readdress(href) {
  if (href !== location.href) history.replaceState(history.state, "", href);
}
