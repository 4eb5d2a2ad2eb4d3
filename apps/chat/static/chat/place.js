// Where the reader is in the transcript, and that it does not move under their eyes.

// Whoever is nearer to the end than this, in pixels, reads along.
const NEAR_END = 40;

export class Place extends EventTarget {
  #scroller;
  #content;
  #wasAtEnd = true;
  #top = 0;

  // Emits "move" after every scroll, and after every change of size.
  constructor(scroller, content) {
    super();
    this.#scroller = scroller;
    this.#content = content;
    scroller.addEventListener("scroll", () => this.#moved());
    // The composer grows, a keyboard comes up, the window is turned: who was at the end stays there.
    new ResizeObserver(() => {
      if (this.isAtEnd) this.toEnd();
      this.#moved();
    }).observe(scroller);
    this.toEnd();
  }

  // Also for who was there, and has not scrolled since, but the window became smaller.
  get isAtEnd() {
    return this.#distance < NEAR_END || (this.#wasAtEnd && this.#scroller.scrollTop === this.#top);
  }

  // More than half a window away from the end.
  get isFar() {
    return this.#distance > this.#scroller.clientHeight / 2;
  }

  isNearTop(pixels) {
    return this.#scroller.scrollTop <= pixels;
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#remember();
  }

  // Whoever reads at the end stays there; for all others nothing moves, also when older messages come above.
  keep(change) {
    const { isAtEnd } = this;
    const first = this.#content.querySelector(".message");
    const top = first?.getBoundingClientRect().top;
    change();
    if (isAtEnd) this.toEnd();
    else if (first?.isConnected) this.#scroller.scrollTop += first.getBoundingClientRect().top - top;
  }

  get #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  #remember() {
    this.#wasAtEnd = this.isAtEnd;
    this.#top = this.#scroller.scrollTop;
  }

  #moved() {
    this.#remember();
    this.dispatchEvent(new Event("move"));
  }
}
