// The identity of the visitor. A page is rendered for one name, and all tabs share the cookies: after a login, a logout
// or a first visit in another tab, the server may know this tab's next connection under another name.

import { identity, isGuest, quoted } from "./authors.js";
import { openVisitorChannel } from "./visitor_channel.js";

export class Visitor {
  name;

  #note;
  #input;
  #key;
  #reloadedFor;
  #channel;

  // name: for which the page was rendered. note: the element that shows a changed name. input: the composer's.
  // path: of the room.
  constructor(name, { note, input, path }) {
    this.name = name;
    this.#note = note;
    this.#input = input;
    this.#key = `chat.reload/${path}`;
    this.#channel = openVisitorChannel(path);
    this.#resume();
  }

  // Whether a name is the same visitor's, who may have changed it as a guest.
  is(name) {
    return identity(name) === identity(this.name);
  }

  get isGuest() {
    return isGuest(this.name);
  }

  // Tells the other tabs this page's name, and calls back where one of them has another.
  compareTabs(onDifference) {
    this.#channel?.addEventListener("message", ({ data }) => {
      if (data !== this.name) onDifference();
    });
    this.#channel?.postMessage(this.name);
  }

  // Shows another name in the present page, for a guest who has become another guest or changed the name.
  rename(name) {
    this.name = name;
    document.querySelectorAll(".author").forEach((element) => (element.textContent = name));
    this.#showNote("now", name);
  }

  // Reloads the page for the visitor of that name, with the composer's text. kept: how many messages wait for the old
  // name. Returns false, with a note on the page, where a reload did not help before or might repeat for ever.
  reload(name, kept) {
    const { value } = this.#input;
    if (name !== this.#reloadedFor && this.#store(JSON.stringify({ name, was: this.name, kept, text: value }))) {
      location.reload();
      return true;
    }
    this.#showNote("stuck", this.name);
    return false;
  }

  clearNote() {
    this.#note.textContent = "";
  }

  #resume() {
    const stored = browserStorage()?.getItem(this.#key);
    if (!stored) return;
    browserStorage().removeItem(this.#key);
    const { name, was, kept, text } = JSON.parse(stored);
    this.#input.value = text;
    this.#reloadedFor = name;
    this.#showNote("now", this.name);
    if (kept && was !== this.name) this.#note.textContent += ` ${filled(this.#note.dataset.kept, was)}`;
  }

  #showNote(sentence, name) {
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

// A browser that blocks storage throws on the mere access.
function browserStorage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}
