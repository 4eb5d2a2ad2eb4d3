// The messages in #chat-log: in the order of their numbers, and below them those that have none yet.
// By day in the viewer's zone, and in groups of one author; transcript.py does the same for the page itself.

import { quoted, showAuthor } from "./authors.js";
import { Chunks, neighbour } from "./chunks.js";
import { render } from "./markup.js";
import { isSameDay, showDay, showTime } from "./times.js";

// Milliseconds after which a name stands above the author's next message again.
const GROUP_GAP = 5 * 60 * 1000;

export class MessageLog {
  #element;
  #list;
  #chunks;
  #template;
  #place;
  #visitor;
  #bySeq = new Map();
  #unnumbered = new Map();
  // {author, text, date} of each item; without a date, it has not been sent.
  #facts = new WeakMap();
  // Changed items, whose neighbours may have to look different.
  #touched = new Set();
  #lastSent = null;

  // template: of one message, the same HTML that the server renders. visitor: see visitor.js.
  constructor(element, { template, place, visitor }) {
    this.#element = element;
    this.#list = element.querySelector(".messages");
    this.#chunks = new Chunks(this.#list);
    this.#template = template;
    this.#place = place;
    this.#visitor = visitor;
    place.keep(() => {
      this.#list.querySelectorAll(".day").forEach((day) => day.remove());
      for (const item of this.#list.querySelectorAll("[data-seq]")) {
        const date = new Date(item.querySelector("time").dateTime);
        this.#bySeq.set(Number(item.dataset.seq), item);
        this.#dress(item, item.querySelector(".name").textContent, item.querySelector("p")?.textContent, date);
      }
      this.#arrange();
    });
    // As in the tutorial, where the log is a textarea: what was said in the room, a line each.
    Object.defineProperty(element, "value", { get: () => this.#transcript() });
  }

  // Number of the first message shown; undefined without one.
  get oldest() {
    const first = this.#list.querySelector("[data-seq]");
    return first ? Number(first.dataset.seq) : undefined;
  }

  get newest() {
    return this.stored.at(-1)?.seq;
  }

  // Ids and numbers of the messages that have a number, in order.
  get stored() {
    return Array.from(this.#list.querySelectorAll("[data-seq]"), ({ dataset }) => ({
      id: dataset.id,
      seq: Number(dataset.seq),
    }));
  }

  // The message of that number; undefined where it is not shown.
  item(seq) {
    return this.#bySeq.get(seq);
  }

  // Messages of the server, in any order; one that is shown already is brought up to date.
  show(messages) {
    this.#change(() => messages.forEach((message) => this.#show(message)));
  }

  // A message that the server has not acknowledged; state is "sending" or "failed". author: the name under which it was
  // written, where that is another than the visitor's now.
  showUnnumbered({ id, text, author }, state) {
    const { name } = this.#visitor;
    this.#change(() => {
      let item = this.#unnumbered.get(id);
      if (!item) {
        item = this.#make(id, name, text, null);
        this.#unnumbered.set(id, item);
        this.#chunks.insertLast(item);
      }
      item.dataset.state = state;
      this.#dress(item, author ?? name, text, null);
      const retry = item.querySelector("[data-action=retry]");
      if (author) retry.textContent = this.#element.dataset.sendAs.replace("{name}", () => quoted(name));
    });
  }

  // The visitor has become somebody else.
  dressAgain() {
    for (const item of this.#bySeq.values()) this.#showOwn(item);
  }

  // The server has stored it under this number.
  number(id, seq) {
    const item = this.#unnumbered.get(id);
    this.#unnumbered.delete(id);
    if (!item) return;
    this.#change(() => {
      if (this.#bySeq.has(seq)) return this.#takeOut(item);
      this.#sent(item);
      this.#put(item, seq);
    });
  }

  takeAway(id) {
    const item = this.#unnumbered.get(id);
    this.#unnumbered.delete(id);
    if (item) this.#change(() => this.#takeOut(item));
  }

  // A moderator removed the text of this message.
  showRemoved(seq) {
    const item = this.#bySeq.get(seq);
    if (!item) return;
    this.#touched.add(item);
    this.#change(() => this.#remove(item));
  }

  // Forgets all that has a number.
  clear() {
    this.#change(() => this.#bySeq.forEach((item) => this.#takeOut(item)));
    this.#bySeq.clear();
  }

  #show({ seq, id, author, message, sent_at: sentAt, removed }) {
    const date = new Date(sentAt);
    if (!this.#bySeq.has(seq)) {
      const item = this.#unnumbered.get(id) ?? this.#make(id, author, message, date);
      if (this.#unnumbered.delete(id)) this.#sent(item);
      this.#put(item, seq);
    }
    const item = this.#bySeq.get(seq);
    // What we wrote may be stored a little different, such as without control characters.
    if (message !== this.#facts.get(item).text && !removed) item.querySelector("p")?.replaceChildren(render(message));
    this.#facts.set(item, { ...this.#facts.get(item), author, date, text: message });
    showAuthor(item, author);
    showTime(item.querySelector("time"), date);
    this.#touched.add(item);
    if (removed) this.#remove(item);
  }

  #make(id, author, text, date) {
    const item = this.#template.content.querySelector(".message").cloneNode(true);
    item.dataset.id = id;
    // Only our own can be on their way.
    if (date) item.querySelector(".states").remove();
    this.#dress(item, author, text, date);
    return item;
  }

  #dress(item, author, text, date) {
    this.#facts.set(item, { author, text, date });
    this.#showOwn(item);
    showAuthor(item, author);
    item.querySelector("p")?.replaceChildren(render(text));
    if (date) showTime(item.querySelector("time"), date);
    this.#touched.add(item);
  }

  // What has no number is always one's own.
  #showOwn(item) {
    const { author, date } = this.#facts.get(item);
    item.classList.toggle("own", !date || this.#visitor.is(author));
  }

  // Only the last one needs the words.
  #sent(item) {
    if (this.#lastSent) delete this.#lastSent.dataset.state;
    item.dataset.state = "sent";
    this.#lastSent = item;
  }

  #remove(item) {
    const note = document.createElement("em");
    note.textContent = this.#element.dataset.removed;
    item.querySelector("p")?.replaceWith(note);
    this.#facts.set(item, { ...this.#facts.get(item), text: undefined });
  }

  #put(item, seq) {
    if (item.isConnected) this.#leave(item);
    const previous = this.#bySeq.get(seq - 1) ?? this.#lastBefore(seq);
    if (previous) this.#chunks.insertAfter(previous, item);
    else this.#chunks.insertFirst(item);
    item.dataset.seq = seq;
    this.#bySeq.set(seq, item);
    this.#touched.add(item);
  }

  #lastBefore(seq) {
    if (!(this.oldest < seq)) return null;
    let previous = this.#list.lastElementChild.lastElementChild;
    while (previous && !(Number(previous.dataset.seq) < seq)) previous = neighbour(previous, "previous");
    return previous;
  }

  #takeOut(item) {
    this.#leave(item);
    this.#chunks.remove(item);
  }

  // Before it goes elsewhere: the day above it may begin with another now.
  #leave(item) {
    const next = neighbour(item, "next");
    if (next) this.#touched.add(next);
    if (item.previousElementSibling?.matches(".day")) item.previousElementSibling.remove();
  }

  #change(change) {
    this.#place.keep(() => {
      change();
      this.#arrange();
    });
    this.#chunks.rest();
  }

  // Days and groups, of what has changed and of what comes after it.
  #arrange() {
    const items = new Set();
    for (const item of this.#touched) {
      if (!item.isConnected) continue;
      items.add(item);
      const next = neighbour(item, "next");
      if (next) items.add(next);
    }
    this.#touched.clear();
    this.#element.classList.toggle("is-empty", !this.#list.querySelector(".message"));
    items.forEach((item) => this.#arrangeOne(item));
  }

  #arrangeOne(item) {
    this.#chunks.touch(item);
    const { author, date } = this.#facts.get(item);
    const at = date ?? new Date();
    const previous = neighbour(item, "previous");
    const before = previous && this.#facts.get(previous);
    const beforeAt = before && (before.date ?? new Date());
    const startsDay = !before || !isSameDay(beforeAt, at);
    let day = item.previousElementSibling;
    if (day?.className !== "day") day = null;
    if (startsDay && !day) this.#startDay(item, at);
    else if (startsDay) showDay(day.firstElementChild, at);
    else day?.remove();
    item.classList.toggle("follows", !startsDay && before.author === author && at - beforeAt < GROUP_GAP);
  }

  #startDay(item, date) {
    const day = document.createElement("h2");
    day.className = "day";
    day.append(document.createElement("time"));
    item.before(day);
    showDay(day.firstElementChild, date);
    // What was today may be yesterday now.
    for (const time of this.#list.querySelectorAll(".day time")) showDay(time, new Date(time.dateTime));
  }

  #transcript() {
    const texts = this.stored.map(({ seq }) => this.#facts.get(this.#bySeq.get(seq)).text);
    return texts.filter((text) => text !== undefined).map((text) => `${text}\n`).join("");
  }
}
