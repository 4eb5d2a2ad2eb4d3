// The transcript's messages in chunks, of which the browser renders only those near the viewport: with 10,000 messages
// side by side a frame takes 50 to 200 ms. All stay in the page, for the browser's search and screen readers.

// Elements in a chunk.
const CHUNK = 100;

export class LazyChunks {
  #list;
  #width;
  // Whether a chunk may have become skippable.
  #hasRendered = true;

  constructor(list) {
    this.#list = list;
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width === this.#width) return;
      this.#width = contentRect.width;
      // Lines break elsewhere now, so every height has changed.
      for (const chunk of list.children) render(chunk);
      this.#hasRendered = true;
      this.skipOffscreen();
    }).observe(list);
  }

  insertAfter(previous, item) {
    const chunk = previous.parentElement;
    if (previous !== chunk.lastElementChild || chunk.childElementCount < CHUNK) previous.after(item);
    else this.#insert(item, chunk.nextElementSibling, "prepend");
  }

  insertFirst(item) {
    this.#insert(item, this.#list.firstElementChild, "prepend");
  }

  insertLast(item) {
    this.#insert(item, this.#list.lastElementChild, "append");
  }

  remove(item) {
    const chunk = item.parentElement;
    item.remove();
    if (!chunk.childElementCount) chunk.remove();
  }

  // Lets the browser skip chunks out of sight, at their present height, except the first and the last, which grow.
  // To be called after the changes.
  skipOffscreen() {
    if (!this.#hasRendered) return;
    this.#hasRendered = false;
    const rendered = [...this.#list.children].slice(1, -1).filter(({ style }) => !style.contentVisibility);
    const heights = rendered.map(({ offsetHeight }) => offsetHeight);
    rendered.forEach(({ style }, index) => {
      style.containIntrinsicBlockSize = `auto ${heights[index]}px`;
      style.contentVisibility = "auto";
    });
  }

  // The item has changed, and perhaps the height of its chunk.
  invalidate(item) {
    if (!item.parentElement.style.contentVisibility) return;
    render(item.parentElement);
    this.#hasRendered = true;
  }

  #insert(item, chunk, how) {
    if (chunk && chunk.childElementCount < CHUNK) return chunk[how](item);
    const fresh = document.createElement("div");
    fresh.append(item);
    this.#list.insertBefore(fresh, how === "prepend" ? chunk : null);
    this.#hasRendered = true;
  }
}

function render({ style }) {
  style.contentVisibility = "";
  style.containIntrinsicBlockSize = "";
}

// The message before or after, across the borders of chunks. side: "previous" or "next".
export function neighbour(item, side) {
  const inside = side === "next" ? "firstElementChild" : "lastElementChild";
  let found = item;
  do found = found[`${side}ElementSibling`] ?? found.parentElement[`${side}ElementSibling`]?.[inside];
  while (found && !found.matches(".message"));
  return found;
}
