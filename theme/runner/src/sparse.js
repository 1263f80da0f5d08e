// @ts-check
/**
 * A snapshot without its empty pages: two fifths of Python's memory are zeros, and reading
 * them back would be on the way of every later visit.
 *
 * The file is 32-bit words: a checksum of all that follows, the length, the number of pages
 * that are kept, their numbers; then the pages. The checksum finds damage, not malice:
 * whoever can write the site's cache can write its scripts.
 */
const PAGE = 4096;
const HEAD = 3;

/** @param {Uint8Array} bytes a whole number of pages @returns {Uint8Array} */
export function pack(bytes) {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const each = PAGE / 4;
  const pages = [];
  for (let at = 0; at < words.length; at += each)
    if (words.subarray(at, at + each).some(Boolean)) pages.push(at / each);
  const start = 4 * (HEAD + pages.length);
  const packed = new Uint8Array(start + PAGE * pages.length);
  const all = new Uint32Array(packed.buffer);
  all.set([0, bytes.length, pages.length, ...pages]);
  pages.forEach((page, n) => packed.set(bytes.subarray(page * PAGE, (page + 1) * PAGE), start + n * PAGE));
  all[0] = sum(all);
  return packed;
}

/** @param {ArrayBuffer} packed @returns {Uint8Array} fails when this is not what was packed */
export function unpack(packed) {
  const all = packed.byteLength % 4 ? new Uint32Array() : new Uint32Array(packed);
  const [said, length = 0, count = 0] = all;
  if (said !== sum(all)) throw new Error("it was damaged");
  const start = 4 * (HEAD + count);
  const bytes = new Uint8Array(length);
  all.subarray(HEAD, HEAD + count).forEach((page, n) => {
    bytes.set(new Uint8Array(packed, start + n * PAGE, PAGE), page * PAGE);
  });
  return bytes;
}

/** FNV-1a, a word at a time: every change of one word changes it. @param {Uint32Array} words */
function sum(words) {
  let hash = 0x811c9dc5;
  for (let at = 1; at < words.length; at++) hash = Math.imul(hash ^ /** @type {number} */ (words[at]), 0x01000193);
  return hash >>> 0;
}
