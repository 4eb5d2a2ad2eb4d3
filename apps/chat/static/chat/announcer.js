// What a screen reader speaks. Each text is an element of its own: a text that replaces another one cuts it short.

// Of a message; the rest is in the transcript.
const SPOKEN_CHARS = 200;
// Milliseconds until the element goes, spoken by then; and the elements at once, when messages flood in.
const KEPT = 10000;
const MOST = 20;

export class Announcer {
  #element;

  // element: with aria-live="polite", so that the reader finishes its sentence first.
  constructor(element) {
    this.#element = element;
  }

  say(author, text) {
    const spoken = document.createElement("p");
    spoken.textContent = `${author}: ${text.slice(0, SPOKEN_CHARS)}`;
    this.#element.append(spoken);
    if (this.#element.childElementCount > MOST) this.#element.firstElementChild.remove();
    setTimeout(() => spoken.remove(), KEPT);
  }
}
