// The transcript's messages in chunks, of which the browser lays out and paints only those near the reader.
// With 10,000 messages side by side every frame would take 50 to 200 ms. All stay in the page, for the browser's
// own search and for screen readers.

// Elements in a chunk.
const CHUNK = 100;

export class Chunks {
  #list;
  #width;
  // Whether there is a chunk that may have come to rest.
  #isRestless = true;

  constructor(list) {
    this.#list = list;
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width === this.#width) return;
      this.#width = contentRect.width;
      // Lines break elsewhere now, so every height is another.
      for (const chunk of list.children) wake(chunk);
      this.#isRestless = true;
      this.rest();
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

  // Lets all but the first and the last chunk, which still grow, be skipped while they are out of sight, each as
  // high as it is. Call it when all is in its place.
  rest() {
    if (!this.#isRestless) return;
    this.#isRestless = false;
    const awake = [...this.#list.children].slice(1, -1).filter(({ style }) => !style.contentVisibility);
    const heights = awake.map(({ offsetHeight }) => offsetHeight);
    awake.forEach(({ style }, index) => {
      style.containIntrinsicBlockSize = `auto ${heights[index]}px`;
      style.contentVisibility = "auto";
    });
  }

  // The item has changed, and with it perhaps the height of its chunk.
  touch(item) {
    if (!item.parentElement.style.contentVisibility) return;
    wake(item.parentElement);
    this.#isRestless = true;
  }

  #insert(item, chunk, how) {
    if (chunk && chunk.childElementCount < CHUNK) return chunk[how](item);
    const fresh = document.createElement("div");
    fresh.append(item);
    this.#list.insertBefore(fresh, how === "prepend" ? chunk : null);
    this.#isRestless = true;
  }
}

function wake({ style }) {
  style.contentVisibility = "";
  style.containIntrinsicBlockSize = "";
}

// The message before or after, over the borders of chunks.
export function neighbour(item, side) {
  const inside = side === "next" ? "firstElementChild" : "lastElementChild";
  let found = item;
  do found = found[`${side}ElementSibling`] ?? found.parentElement[`${side}ElementSibling`]?.[inside];
  while (found && !found.matches(".message"));
  return found;
}
