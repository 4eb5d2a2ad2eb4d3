// What is typed and not sent yet, kept in this browser for each room and visitor.

export class Draft {
  #key;

  // key: called for each access, since the visitor's identity may change.
  constructor(key) {
    this.#key = key;
  }

  get text() {
    return browserStorage()?.getItem(this.#key()) ?? "";
  }

  set text(text) {
    try {
      if (text) browserStorage()?.setItem(this.#key(), text);
      else browserStorage()?.removeItem(this.#key());
    } catch {
      // The storage is full: the text is still in the composer.
    }
  }
}

// A browser that blocks storage throws on the mere access.
function browserStorage() {
  try {
    return localStorage;
  } catch {
    return null;
  }
}
