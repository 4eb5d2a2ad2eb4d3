// Messages that the server has not acknowledged yet. They go out one after the other, in the order they were
// written, again after every welcome and under the same ids, so that the server stores each of them once.
// They are kept in localStorage, so a reload or a crash loses none. Knows nothing of a page.
//
//   const outbox = new Outbox(connection, { name: "lobby/alice", isOurs: (you) => you === "alice" });
//   outbox.add("hello");
//   connection.connect();
//
// Events, each with the message's id in its detail:
//   pending   {id, text}: it goes out as soon as possible
//   sent      {id, seq}: the server has stored it
//   failed    {id, text, code, author}: the server will not take it, or it was written as somebody else, the author;
//             retry(id) or discard(id)
//   gone      {id}: another window has sent or discarded it
//
// Every message has a storage key of its own, and all windows of one name read the same keys. Nobody rewrites
// what another window wrote; two windows may send the same message, which the server answers twice.

const ACK_TIMEOUT = 20000;
// Older ones are offered, not sent: nobody wants last week's answer to appear by itself.
const STALE = 24 * 3600 * 1000;
const TOO_BIG = 1009;
// Milliseconds. Whoever comes back for each single token is refused for each single message, and closed for it.
const LEAST_DELAY = 1000;

export class Outbox extends EventTarget {
  #connection;
  #storage;
  #prefix;
  #isOurs;
  #entries = new Map();
  #inFlight = null;
  #timer = null;

  // name: of the room and the author; messages of another author are not ours to send.
  // isOurs: whether a name by which the server knows the connection is that author's; otherwise nothing goes out.
  constructor(connection, { name, isOurs = () => true, storage = browserStorage() }) {
    super();
    this.#connection = connection;
    this.#storage = storage;
    this.#isOurs = isOurs;
    this.#prefix = prefix(name);
    this.#adopt();
    connection.addEventListener("state", ({ detail }) => this.#onState(detail));
    connection.addEventListener("ack", ({ detail }) => this.settle(detail.id, detail.seq));
    connection.addEventListener("message", ({ detail }) => this.settle(detail.id, detail.seq));
    connection.addEventListener("error", ({ detail }) => this.#onError(detail));
    globalThis.addEventListener?.("storage", ({ key, newValue }) => {
      if (newValue === null && key?.startsWith(this.#prefix)) this.discard(key.slice(this.#prefix.length));
    });
  }

  // All that is kept, in order: {id, text, at, code}; a code means that it failed.
  get entries() {
    return [...this.#entries.values()].sort((one, other) => one.at - other.at);
  }

  add(text) {
    // Strictly later than all before, since the order of sending is the order of these times.
    const at = Math.max(Date.now(), ...this.entries.slice(-1).map((last) => last.at + 1));
    const entry = { id: newId(), text, at };
    this.#keep(entry);
    this.#emit("pending", entry);
    this.#flush();
    return entry;
  }

  // The author has become somebody else, of that name. Nothing that was written before goes out under it but by retry.
  // author: the old one, for people.
  become(name, author) {
    const { entries } = this;
    entries.forEach(({ id }) => this.#storage?.removeItem(this.#prefix + id));
    this.#prefix = prefix(name);
    this.#pause(0);
    for (const entry of entries) {
      this.#entries.set(entry.id, { author, ...entry });
      this.#fail(entry.id, "other_author");
    }
    this.#adopt();
    this.#flush();
  }

  retry(id) {
    const { code, author, ...entry } = this.#entries.get(id) ?? {};
    if (!code) return;
    this.#keep(entry);
    this.#emit("pending", entry);
    this.#flush();
  }

  discard(id) {
    this.#drop(id, "gone");
  }

  // The message is stored under this number; for callers who met it elsewhere, such as in the page.
  settle(id, seq) {
    this.#drop(id, "sent", { seq });
  }

  // One at a time: with several on their way, a refused one would be overtaken by those behind it.
  #flush() {
    if (this.#timer || this.#connection.state !== "online" || !this.#isOurs(this.#connection.you)) return;
    const entry = this.entries.find(({ code }) => !code);
    if (!entry || !this.#connection.sendMessage(entry.id, entry.text)) return;
    this.#inFlight = entry.id;
    // A socket may be dead for minutes before the browser notices.
    this.#timer = setTimeout(() => this.#connection.reconnect(), ACK_TIMEOUT);
  }

  #onState({ state, code }) {
    const inFlight = this.#inFlight;
    this.#pause(0);
    if (state === "online") {
      this.#adopt();
      this.#flush();
    } else if (inFlight && code === TOO_BIG) {
      this.#fail(inFlight, "too_long");
    }
  }

  #onError({ id, code, retry_after }) {
    if (!this.#entries.has(id)) return;
    if (retry_after === undefined) {
      this.#fail(id, code);
      this.#next(id);
    } else if (id === this.#inFlight) {
      // Half as long again at most, so that those who were refused together do not come back together.
      this.#pause(Math.max(LEAST_DELAY, retry_after * 1000) * (1 + Math.random() / 2));
    }
  }

  #fail(id, code) {
    const entry = { ...this.#entries.get(id), code };
    this.#keep(entry);
    this.#emit("failed", entry);
  }

  #drop(id, type, more) {
    if (!this.#entries.delete(id)) return;
    this.#storage?.removeItem(this.#prefix + id);
    this.#emit(type, { id, ...more });
    this.#next(id);
  }

  #next(id) {
    if (id !== this.#inFlight) return;
    this.#pause(0);
    this.#flush();
  }

  // Sends nothing for so many milliseconds; 0 ends every waiting.
  #pause(delay) {
    clearTimeout(this.#timer);
    this.#inFlight = null;
    this.#timer = null;
    if (!delay) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, delay);
  }

  #keep(entry) {
    this.#entries.set(entry.id, entry);
    try {
      this.#storage?.setItem(this.#prefix + entry.id, JSON.stringify(entry));
    } catch {
      // The storage is full: the message still goes out, it only would not survive a reload.
    }
  }

  // Takes over what closed windows have left.
  #adopt() {
    for (const key of Object.keys(this.#storage ?? {})) {
      const id = key.slice(this.#prefix.length);
      if (!key.startsWith(this.#prefix) || this.#entries.has(id)) continue;
      const entry = { ...JSON.parse(this.#storage.getItem(key)), id };
      if (Date.now() - entry.at > STALE) entry.code ??= "stale";
      this.#entries.set(id, entry);
      this.#emit(entry.code ? "failed" : "pending", entry);
    }
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function prefix(name) {
  return `chat.outbox/${name}/`;
}

// Not crypto.randomUUID, which plain http lacks.
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A browser that keeps nothing throws at the mere look.
function browserStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}
