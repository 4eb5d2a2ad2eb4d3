// The messages in #chat-log in the order of their numbers, then the unsent ones; grouped by day in the viewer's zone and
// by author, as transcript.py does for the rendered page.

import { quoted, showAuthor } from "./authors.js";
import { LazyChunks, neighbour } from "./lazy_chunks.js";
import { render } from "./markup.js";
import { isSameDay, showDay, showTime } from "./times.js";

// Milliseconds after which the author's next message shows the name again.
const GROUP_GAP = 5 * 60 * 1000;

export class MessageLog {
  #element;
  #list;
  #chunks;
  #template;
  #scrollAnchor;
  #visitor;
  #bySeq = new Map();
  #unsent = new Map();
  // {author, text, date} of each item; without a date it is not sent yet.
  #contents = new WeakMap();
  // Items whose day and group, or those of their neighbours, may have changed.
  #changed = new Set();
  #lastSent = null;

  // template: of one message, in the HTML that the server renders. visitor: see visitor.js.
  constructor(element, { template, scrollAnchor, visitor }) {
    this.#element = element;
    this.#list = element.querySelector(".messages");
    this.#chunks = new LazyChunks(this.#list);
    this.#template = template;
    this.#scrollAnchor = scrollAnchor;
    this.#visitor = visitor;
    scrollAnchor.keepDuring(() => {
      this.#list.querySelectorAll(".day").forEach((day) => day.remove());
      for (const item of this.#list.querySelectorAll("[data-seq]")) {
        const date = new Date(item.querySelector("time").dateTime);
        this.#bySeq.set(Number(item.dataset.seq), item);
        this.#fill(item, item.querySelector(".name").textContent, item.querySelector("p")?.textContent, date);
      }
      this.#arrange();
    });
    // As in the tutorial, where the log is a textarea: the texts of the room, a line each.
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

  // Shows messages of the server, in any order; one that is shown already is updated.
  show(messages) {
    this.#change(() => messages.forEach((message) => this.#show(message)));
  }

  // Shows an item of the outbox; state is "sending" or "failed".
  showUnsent({ id, text, author }, state) {
    const { name } = this.#visitor;
    this.#change(() => {
      let item = this.#unsent.get(id);
      if (!item) {
        item = this.#make(id, name, text, null);
        this.#unsent.set(id, item);
        this.#chunks.insertLast(item);
      }
      item.dataset.state = state;
      this.#fill(item, author ?? name, text, null);
      const retry = item.querySelector("[data-action=retry]");
      if (author) retry.textContent = this.#element.dataset.sendAs.replace("{name}", () => quoted(name));
    });
  }

  // To be called when the visitor's identity has changed.
  refreshOwn() {
    for (const item of this.#bySeq.values()) this.#showOwn(item);
  }

  // The server has stored the message under this number.
  markSent(id, seq) {
    const item = this.#unsent.get(id);
    this.#unsent.delete(id);
    if (!item) return;
    this.#change(() => {
      if (this.#bySeq.has(seq)) return this.#delete(item);
      this.#showSent(item);
      this.#insert(item, seq);
    });
  }

  removeUnsent(id) {
    const item = this.#unsent.get(id);
    this.#unsent.delete(id);
    if (item) this.#change(() => this.#delete(item));
  }

  // A moderator removed the text of this message.
  showRemoved(seq) {
    const item = this.#bySeq.get(seq);
    if (!item) return;
    this.#changed.add(item);
    this.#change(() => this.#remove(item));
  }

  // Removes all messages that have a number.
  clear() {
    this.#change(() => this.#bySeq.forEach((item) => this.#delete(item)));
    this.#bySeq.clear();
  }

  #show({ seq, id, author, message, sent_at: sentAt, removed }) {
    const date = new Date(sentAt);
    if (!this.#bySeq.has(seq)) {
      const item = this.#unsent.get(id) ?? this.#make(id, author, message, date);
      if (this.#unsent.delete(id)) this.#showSent(item);
      this.#insert(item, seq);
    }
    const item = this.#bySeq.get(seq);
    // The server may store a text a little differently, such as without control characters.
    if (message !== this.#contents.get(item).text && !removed) item.querySelector("p")?.replaceChildren(render(message));
    this.#contents.set(item, { ...this.#contents.get(item), author, date, text: message });
    showAuthor(item, author);
    this.#showDate(item, author, date);
    this.#changed.add(item);
    if (removed) this.#remove(item);
  }

  #make(id, author, text, date) {
    const item = this.#template.content.querySelector(".message").cloneNode(true);
    item.dataset.id = id;
    // Only the visitor's own messages have a state.
    if (date) item.querySelector(".states").remove();
    this.#fill(item, author, text, date);
    return item;
  }

  #fill(item, author, text, date) {
    this.#contents.set(item, { author, text, date });
    this.#showOwn(item);
    showAuthor(item, author);
    item.querySelector("p")?.replaceChildren(render(text));
    this.#showDate(item, author, date);
    this.#changed.add(item);
  }

  // The item's accessible name has the whole date, which a pointer sees in the tooltip.
  #showDate(item, author, date) {
    const time = item.querySelector("time");
    if (date) showTime(time, date);
    item.ariaLabel = date ? `${author}, ${time.title}` : author;
  }

  // An unsent message is always the visitor's own.
  #showOwn(item) {
    const { author, date } = this.#contents.get(item);
    item.classList.toggle("own", !date || this.#visitor.is(author));
  }

  // Only the newest sent message shows that state.
  #showSent(item) {
    if (this.#lastSent) delete this.#lastSent.dataset.state;
    item.dataset.state = "sent";
    this.#lastSent = item;
  }

  #remove(item) {
    const note = document.createElement("em");
    note.textContent = this.#element.dataset.removed;
    item.querySelector("p")?.replaceWith(note);
    this.#contents.set(item, { ...this.#contents.get(item), text: undefined });
  }

  #insert(item, seq) {
    if (item.isConnected) this.#detach(item);
    const previous = this.#bySeq.get(seq - 1) ?? this.#lastBefore(seq);
    if (previous) this.#chunks.insertAfter(previous, item);
    else this.#chunks.insertFirst(item);
    item.dataset.seq = seq;
    this.#bySeq.set(seq, item);
    this.#changed.add(item);
  }

  #lastBefore(seq) {
    if (!(this.oldest < seq)) return null;
    let previous = this.#list.lastElementChild.lastElementChild;
    while (previous && !(Number(previous.dataset.seq) < seq)) previous = neighbour(previous, "previous");
    return previous;
  }

  #delete(item) {
    this.#detach(item);
    this.#chunks.remove(item);
  }

  // To be called before the item moves: its day may begin with another item then.
  #detach(item) {
    const next = neighbour(item, "next");
    if (next) this.#changed.add(next);
    if (item.previousElementSibling?.matches(".day")) item.previousElementSibling.remove();
  }

  #change(change) {
    this.#scrollAnchor.keepDuring(() => {
      change();
      this.#arrange();
    });
    this.#chunks.skipOffscreen();
  }

  // Updates the day and the group of each changed item and of the one after it.
  #arrange() {
    const items = new Set();
    for (const item of this.#changed) {
      if (!item.isConnected) continue;
      items.add(item);
      const next = neighbour(item, "next");
      if (next) items.add(next);
    }
    this.#changed.clear();
    this.#element.classList.toggle("is-empty", !this.#list.querySelector(".message"));
    items.forEach((item) => this.#arrangeOne(item));
  }

  #arrangeOne(item) {
    this.#chunks.invalidate(item);
    const { author, date } = this.#contents.get(item);
    const at = date ?? new Date();
    const previous = neighbour(item, "previous");
    const before = previous && this.#contents.get(previous);
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
    // Today may have become yesterday.
    for (const time of this.#list.querySelectorAll(".day time")) showDay(time, new Date(time.dateTime));
  }

  #transcript() {
    const texts = this.stored.map(({ seq }) => this.#contents.get(this.#bySeq.get(seq)).text);
    return texts.filter((text) => text !== undefined).map((text) => `${text}\n`).join("");
  }
}
