// Messages that arrived while the reader was elsewhere: a line above the first of them, a button that scrolls to the
// end, and their number in the title.

export class Unread {
  #scrollAnchor;
  #button;
  #line = document.createElement("p");
  #title = document.title;
  #count = 0;

  // label: of the line.
  constructor({ scrollAnchor, button, label }) {
    this.#scrollAnchor = scrollAnchor;
    this.#button = button;
    this.#line.className = "new";
    this.#line.textContent = label;
    scrollAnchor.addEventListener("move", () => this.#update());
    document.addEventListener("visibilitychange", () => this.#update());
  }

  // To be called when the message is in the page.
  add(item) {
    if (this.#isSeen) return;
    const day = item.previousElementSibling?.matches(".day") ? item.previousElementSibling : null;
    if (!this.#count) this.#scrollAnchor.keepDuring(() => (day ?? item).before(this.#line));
    this.#count += 1;
    this.#show();
  }

  removeLine() {
    this.#scrollAnchor.keepDuring(() => this.#line.remove());
  }

  get #isSeen() {
    return document.visibilityState === "visible" && this.#scrollAnchor.isAtEnd;
  }

  #update() {
    if (this.#isSeen) this.#count = 0;
    this.#show();
  }

  #show() {
    const count = this.#count;
    const { latest, one, many } = this.#button.dataset;
    document.title = count ? `(${count}) ${this.#title}` : this.#title;
    this.#button.hidden = this.#scrollAnchor.isAtEnd || !(count || this.#scrollAnchor.isFar);
    this.#button.lastElementChild.textContent = count > 1 ? many.replace("{count}", count) : count ? one : latest;
  }
}
