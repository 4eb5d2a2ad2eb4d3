// The messages in #chat-log: in the order of their numbers, and below them those that have none yet.

// Whoever is nearer to the end than this, in pixels, reads along.
const NEAR_END = 40;

export class MessageLog {
  #element;
  #template;
  #bySeq = new Map();
  #unnumbered = new Map();

  // template: of one message; the same HTML that the server renders.
  constructor(element, template) {
    this.#element = element;
    this.#template = template;
    for (const item of element.querySelectorAll("[data-seq]")) {
      this.#bySeq.set(Number(item.dataset.seq), item);
      showTime(item.querySelector("time"));
    }
    element.scrollTop = element.scrollHeight;
    // As in the tutorial, where the log is a textarea: what was said in the room, a line each.
    Object.defineProperty(element, "value", {
      get: () => Array.from(element.querySelectorAll("[data-seq] p"), (text) => `${text.textContent}\n`).join(""),
    });
  }

  // Number of the first message shown; undefined without one.
  get oldest() {
    return this.stored[0]?.seq;
  }

  get newest() {
    return this.stored.at(-1)?.seq;
  }

  // Ids and numbers of the messages that have a number, in order.
  get stored() {
    return Array.from(this.#element.querySelectorAll("[data-seq]"), ({ dataset }) => ({
      id: dataset.id,
      seq: Number(dataset.seq),
    }));
  }

  // Messages of the server, in any order; one that is shown already is brought up to date.
  show(messages) {
    this.#keepingPlace(() => messages.forEach((message) => this.#show(message)));
  }

  // A message that the server has not acknowledged; state is "sending" or "failed".
  showUnnumbered({ id, text }, author, state) {
    this.#keepingPlace(() => {
      let item = this.#unnumbered.get(id);
      if (!item) {
        item = this.#make(id, author, text);
        this.#unnumbered.set(id, item);
        this.#element.append(item);
      }
      item.dataset.state = state;
    });
  }

  // The server has stored it under this number.
  number(id, seq) {
    const item = this.#unnumbered.get(id);
    this.#unnumbered.delete(id);
    if (!item) return;
    this.#keepingPlace(() => {
      if (this.#bySeq.has(seq)) return item.remove();
      item.dataset.state = "sent";
      this.#place(item, seq);
    });
  }

  takeAway(id) {
    this.#unnumbered.get(id)?.remove();
    this.#unnumbered.delete(id);
  }

  // A moderator removed the text of this message.
  showRemoved(seq) {
    const item = this.#bySeq.get(seq);
    if (item) this.#remove(item);
  }

  // Forgets all that has a number.
  clear() {
    this.#bySeq.forEach((item) => item.remove());
    this.#bySeq.clear();
  }

  #show({ seq, id, author, message, sent_at: sentAt, removed }) {
    if (!this.#bySeq.has(seq)) {
      const item = this.#unnumbered.get(id) ?? this.#make(id, author, message);
      if (this.#unnumbered.delete(id)) item.dataset.state = "sent";
      this.#place(item, seq);
    }
    const item = this.#bySeq.get(seq);
    item.querySelector(".name").textContent = author;
    const time = item.querySelector("time");
    time.dateTime = sentAt;
    showTime(time);
    if (removed) this.#remove(item);
  }

  #make(id, author, text) {
    const item = this.#template.content.firstElementChild.cloneNode(true);
    item.dataset.id = id;
    item.querySelector(".name").textContent = author;
    item.querySelector("p").textContent = text;
    return item;
  }

  #remove(item) {
    const note = document.createElement("em");
    note.textContent = this.#element.dataset.removed;
    item.querySelector("p")?.replaceWith(note);
  }

  #place(item, seq) {
    let previous = this.#element.lastElementChild;
    while (previous && !(Number(previous.dataset.seq) < seq)) previous = previous.previousElementSibling;
    if (previous) previous.after(item);
    else this.#element.prepend(item);
    item.dataset.seq = seq;
    this.#bySeq.set(seq, item);
  }

  // Whoever reads at the end stays there; for all others nothing moves, also when older messages come above.
  #keepingPlace(change) {
    const log = this.#element;
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
    const first = log.firstElementChild;
    const top = first?.offsetTop;
    change();
    if (atEnd) log.scrollTop = log.scrollHeight;
    else if (first?.isConnected) log.scrollTop += first.offsetTop - top;
  }
}

// The server writes its own time zone; the reader's is known here.
function showTime(time) {
  const date = new Date(time.dateTime);
  const isToday = date.toDateString() === new Date().toDateString();
  const day = isToday ? {} : { month: "short", day: "numeric" };
  const format = { ...day, hour: "2-digit", minute: "2-digit" };
  // The page's language, as the reader's country writes it.
  const { lang } = document.documentElement;
  time.textContent = date.toLocaleString([...navigator.languages.filter((tag) => tag.startsWith(lang)), lang], format);
}
