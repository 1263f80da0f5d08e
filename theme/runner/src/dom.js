// @ts-check
/**
 * Make an element. `on…` attributes are listeners, `false` and `null` leave one out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes]
 * @param {(Node | string | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined)
      made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * A button that is only a button.
 * @param {string} text @param {(event: MouseEvent) => void} onclick
 * @param {Record<string, any>} [attributes]
 */
export function button(text, onclick, attributes = {}) {
  return el("button", { type: "button", class: "run-button", onclick, ...attributes }, text);
}

/**
 * Arrow keys move among items of which one is in the tab order.
 * @param {HTMLElement} host @param {() => HTMLElement[]} items
 * @param {(item: HTMLElement) => void} reached called when the keys reach an item
 */
export function roving(host, items, reached = () => {}) {
  host.addEventListener("keydown", (event) => {
    const all = items();
    const here = all.indexOf(/** @type {HTMLElement} */ (event.target));
    if (here < 0) return;
    const row = Math.max(1, all.findIndex((item) => item.offsetTop > (all[0]?.offsetTop ?? 0)));
    /** @type {Record<string, number>} */
    const moves = {
      ArrowRight: here + 1, ArrowLeft: here - 1, ArrowDown: here + row, ArrowUp: here - row,
      Home: 0, End: all.length - 1,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const item = all[Math.min(all.length - 1, Math.max(0, to))];
    if (!item) return;
    for (const each of all) each.tabIndex = each === item ? 0 : -1;
    item.focus();
    reached(item);
  });
}

/** @param {number} count @param {string} noun */
export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
