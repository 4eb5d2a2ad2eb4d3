// The members of the room, and which of them are typing.

import { quoted, showAvatar, showName } from "./authors.js";

// Milliseconds.
const TYPING_SHOWN = 5000;

export function peopleHere({ dataset: { one, many } }, count) {
  return count === 1 ? one : many.replace("{count}", count);
}

export class Members {
  #title;
  #list;
  #button;
  #more;
  #isYou;

  // isYou: whether a name is the visitor's.
  constructor({ panel, button, isYou }) {
    this.#title = panel.querySelector("h2");
    this.#list = panel.querySelector("ul");
    this.#more = panel.dataset.more;
    this.#button = button;
    this.#isYou = isYou;
  }

  show(count, names) {
    const text = peopleHere(this.#title, count);
    this.#title.textContent = text;
    this.#button.setAttribute("aria-label", text);
    this.#button.lastElementChild.textContent = count;
    const items = names.map((name) => this.#item(name));
    if (count > names.length) items.push(listItem(this.#more.replace("{count}", count - names.length)));
    this.#list.replaceChildren(...items);
    this.#hide(false);
  }

  // Without a connection the members are unknown.
  hide() {
    this.#hide(true);
  }

  #hide(hidden) {
    for (const element of [this.#title, this.#list, this.#button]) element.hidden = hidden;
  }

  #item(name) {
    const [avatar, shown] = [document.createElement("span"), document.createElement("bdi")];
    avatar.className = "avatar";
    avatar.ariaHidden = "true";
    showAvatar(avatar, name);
    showName(shown, name);
    const item = listItem(avatar, shown);
    item.classList.toggle("you", this.#isYou(name));
    return item;
  }
}

export class TypingIndicator {
  #element;
  #timers = new Map();

  constructor(element) {
    this.#element = element;
  }

  show(name, isTyping) {
    if (!isTyping && !this.#timers.has(name)) return;
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
    if (isTyping) this.#timers.set(name, setTimeout(() => this.show(name, false), TYPING_SHOWN));
    const { one, many } = this.#element.dataset;
    const names = [...this.#timers.keys()];
    this.#element.textContent = names.length > 1 ? many : names.map((typist) => one.replace("{name}", () => quoted(typist))).join("");
  }
}

function listItem(...content) {
  const item = document.createElement("li");
  item.append(...content);
  return item;
}
