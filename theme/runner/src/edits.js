// @ts-check
/**
 * The reader's edits, in this browser only. Where it keeps nothing, an edit lasts as long
 * as the page.
 */

/** @type {Map<string, string>} */
const unkept = new Map();
const key = (/** @type {string} */ name) => `edit of ${name}`;

/** @param {string} name @returns {string | null} */
export function kept(name) {
  try {
    return localStorage.getItem(key(name)) ?? unkept.get(name) ?? null;
  } catch {
    return unkept.get(name) ?? null;
  }
}

/** @param {string} name @param {string | null} code null throws the edit away */
export function keep(name, code) {
  if (code === null) unkept.delete(name);
  else unkept.set(name, code);
  try {
    if (code === null) localStorage.removeItem(key(name));
    else localStorage.setItem(key(name), code);
  } catch {
    // A full or forbidden storage: the edit stays in the page.
  }
}
