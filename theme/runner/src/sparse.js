// @ts-check
/**
 * A snapshot without its empty pages: two fifths of Python's memory are zeros, and reading
 * them back would be on the way of every later visit.
 *
 * Pyodide's snapshot is a head, whose length is its second word, and then the heap. What
 * `pack` makes of it is 32-bit words: a checksum of all that follows, the number of pages
 * that are kept, and their numbers; then the head and those pages. The checksum finds damage,
 * not malice: whoever can write the site's cache can write its scripts.
 */
const PAGE = 4096;
const HEAD = 2;

/**
 * @param {Uint8Array} snapshot
 * @returns {{packed: Uint8Array, head: number, heap: number}} with the lengths of both parts in bytes
 */
export function pack(snapshot) {
  const head = words(snapshot)[1] ?? 0;
  const heap = snapshot.subarray(head);
  const all = words(heap);
  const each = PAGE / 4;
  const pages = [];
  for (let at = 0; at < all.length; at += each)
    if (all.subarray(at, at + each).some(Boolean)) pages.push(at / each);
  const start = 4 * (HEAD + pages.length);
  const packed = new Uint8Array(start + head + PAGE * pages.length);
  words(packed).set([0, pages.length, ...pages]);
  packed.set(snapshot.subarray(0, head), start);
  pages.forEach((page, n) => packed.set(heap.subarray(page * PAGE, (page + 1) * PAGE), start + head + n * PAGE));
  words(packed)[0] = sum(words(packed));
  return { packed, head, heap: heap.length };
}

/**
 * Put a packed snapshot where it belongs: the pages straight into the heap, which is empty or
 * holds what every heap begins with. Fails, with both untouched, when this is not what was packed.
 * @param {Uint8Array} packed @param {Uint8Array} head @param {Uint8Array} heap
 */
export function unpack(packed, head, heap) {
  const all = packed.length % 4 ? new Uint32Array() : words(packed);
  const [said, count = 0] = all;
  if (said !== sum(all)) throw new Error("it was damaged");
  const start = 4 * (HEAD + count);
  head.set(packed.subarray(start, start + head.length));
  let from = start + head.length;
  let next = 0;
  for (const page of all.subarray(HEAD, HEAD + count)) {
    heap.fill(0, next, page * PAGE);
    heap.set(packed.subarray(from, (from += PAGE)), page * PAGE);
    next = (page + 1) * PAGE;
  }
  heap.fill(0, next);
}

/** @param {Uint8Array} bytes */
function words(bytes) {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** FNV-1a, a word at a time: every change of one word changes it. @param {Uint32Array} words */
function sum(words) {
  let hash = 0x811c9dc5;
  for (let at = 1; at < words.length; at++) hash = Math.imul(hash ^ /** @type {number} */ (words[at]), 0x01000193);
  return hash >>> 0;
}
