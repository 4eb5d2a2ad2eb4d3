// Who the visitor is. A page is made for one name, and all tabs share the cookies: with another tab's login, logout or
// first visit, the server may know this one under another name from the next connection on.

import { identity, isGuest, quoted } from "./authors.js";
import { openChannel } from "./tabs.js";

export class Visitor {
  name;

  #note;
  #input;
  #key;
  #reloadedFor;
  #channel;

  // name: the one that the page was made for. note: the element that says who one is now. input: of the composer, whose
  // text outlives a reload. path: of the room.
  constructor(name, { note, input, path }) {
    this.name = name;
    this.#note = note;
    this.#input = input;
    this.#key = `chat.reload/${path}`;
    this.#channel = openChannel(path);
    this.#resume();
  }

  // Whether a name is one of the same visitor's; a guest may have changed it.
  is(name) {
    return identity(name) === identity(this.name);
  }

  get isGuest() {
    return isGuest(this.name);
  }

  // Tells the other tabs, and calls back where one of them was made for another name: perhaps this one's is old.
  compareTabs(isOld) {
    this.#channel?.addEventListener("message", ({ data }) => {
      if (data !== this.name) isOld();
    });
    this.#channel?.postMessage(this.name);
  }

  // Shows another name in the page as it is; for a guest who has become another guest, or has changed the name.
  rename(name) {
    this.name = name;
    document.querySelectorAll(".author").forEach((element) => (element.textContent = name));
    this.#say("now", name);
  }

  // Loads the page for the visitor of that name: its menus and forms are somebody else's. The text in the composer is
  // kept. kept: how many messages wait for the old name. Returns false where that was of no use before, or might never
  // end; the page then says that nothing can be written.
  reload(name, kept) {
    const { value } = this.#input;
    if (name !== this.#reloadedFor && this.#store(JSON.stringify({ name, was: this.name, kept, text: value }))) {
      location.reload();
      return true;
    }
    this.#say("stuck", this.name);
    return false;
  }

  // The login has ended, and the way back leads over other pages: what is in the composer is for the same name only.
  keepText() {
    const { value } = this.#input;
    if (value) this.#store(JSON.stringify({ was: this.name, text: value }));
  }

  forgetNote() {
    this.#note.textContent = "";
  }

  #resume() {
    const stored = browserStorage()?.getItem(this.#key);
    if (!stored) return;
    browserStorage().removeItem(this.#key);
    const { name, was, kept, text } = JSON.parse(stored);
    if (name || was === this.name) this.#input.value = text;
    if (!name) return;
    this.#reloadedFor = name;
    this.#say("now", this.name);
    if (kept && was !== this.name) this.#note.textContent += ` ${filled(this.#note.dataset.kept, was)}`;
  }

  #say(sentence, name) {
    this.#note.textContent = filled(this.#note.dataset[sentence], name);
  }

  #store(text) {
    try {
      browserStorage().setItem(this.#key, text);
      return true;
    } catch {
      return false;
    }
  }
}

function filled(sentence, name) {
  return sentence.replaceAll("{name}", () => quoted(name));
}

// A browser that keeps nothing throws at the mere look.
function browserStorage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
