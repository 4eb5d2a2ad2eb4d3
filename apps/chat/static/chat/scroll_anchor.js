// Keeps the reader's place while the transcript changes.

// A reader who is nearer to the end than this, in pixels, follows the conversation.
const NEAR_END = 40;

export class ScrollAnchor extends EventTarget {
  #scroller;
  #content;
  #wasAtEnd = true;
  #top = 0;

  // Emits "move" after every scroll and every change of size.
  constructor(scroller, content) {
    super();
    this.#scroller = scroller;
    this.#content = content;
    scroller.addEventListener("scroll", () => this.#onMove());
    // The composer grows, a keyboard appears: a reader at the end stays there.
    new ResizeObserver(() => {
      if (this.isAtEnd) this.scrollToEnd();
      this.#onMove();
    }).observe(scroller);
    this.scrollToEnd();
  }

  // Also after the window became smaller, until the reader scrolls.
  get isAtEnd() {
    return this.#distance < NEAR_END || (this.#wasAtEnd && this.#scroller.scrollTop === this.#top);
  }

  // More than half a window away from the end.
  get isFar() {
    return this.#distance > this.#scroller.clientHeight / 2;
  }

  isNearTop(pixels) {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - clientHeight + scrollTop <= pixels;
  }

  scrollToEnd() {
    this.#scroller.scrollTop = 0;
    this.#remember();
  }

  // A reader at the end stays there; for others nothing moves, also when older messages come above.
  keepDuring(change) {
    const { isAtEnd } = this;
    const first = this.#content.querySelector(".message");
    const top = first?.getBoundingClientRect().top;
    change();
    if (isAtEnd) this.scrollToEnd();
    else if (first?.isConnected) this.#scroller.scrollTop += first.getBoundingClientRect().top - top;
  }

  // The scroller is a column-reverse: its end is at 0, and what is above is negative.
  get #distance() {
    return -this.#scroller.scrollTop;
  }

  #remember() {
    this.#wasAtEnd = this.isAtEnd;
    this.#top = this.#scroller.scrollTop;
  }

  #onMove() {
    this.#remember();
    this.dispatchEvent(new Event("move"));
  }
}
