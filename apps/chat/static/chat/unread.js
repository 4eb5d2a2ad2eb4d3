// What came while nobody looked: a line above the first of it, a button that leads to the end, a number in the title.

export class Unread {
  #place;
  #button;
  #line = document.createElement("p");
  #title = document.title;
  #count = 0;

  // label: of the line.
  constructor({ place, button, label }) {
    this.#place = place;
    this.#button = button;
    this.#line.className = "new";
    this.#line.textContent = label;
    place.addEventListener("move", () => this.#look());
    document.addEventListener("visibilitychange", () => this.#look());
  }

  // Call it once the message is in its place.
  add(item) {
    if (this.#isSeen) return;
    const day = item.previousElementSibling?.matches(".day") ? item.previousElementSibling : null;
    if (!this.#count) this.#place.keep(() => (day ?? item).before(this.#line));
    this.#count += 1;
    this.#show();
  }

  // The line has done its work.
  forget() {
    this.#place.keep(() => this.#line.remove());
  }

  get #isSeen() {
    return document.visibilityState === "visible" && this.#place.isAtEnd;
  }

  #look() {
    if (this.#isSeen) this.#count = 0;
    this.#show();
  }

  #show() {
    const count = this.#count;
    const { latest, one, many } = this.#button.dataset;
    document.title = count ? `(${count}) ${this.#title}` : this.#title;
    this.#button.hidden = this.#place.isAtEnd || !(count || this.#place.isFar);
    this.#button.lastElementChild.textContent = count > 1 ? many.replace("{count}", count) : count ? one : latest;
  }
}
