// @ts-check

import { CloseCode } from "./close_codes.js";

// Milliseconds.
const ACK_TIMEOUT = 20000;
// Older items are offered for retry, not sent by themselves.
const STALE = 24 * 3600 * 1000;
// Retrying for each token of a rate limit would be refused again and again, and closed for it.
const SHORTEST_PAUSE = 1000;

/**
 * @typedef {{id: string, at: number, code?: string, author?: string, [field: string]: any}} Item
 *   at: when it was added, in ms; code: why it failed; author: as whom it was added, if not as the present one
 */

/**
 * What the server has not acknowledged yet (docs/client.md), sent in order, and after every welcome again under the same
 * ids. Each item has a key of its own in localStorage, which no other window rewrites.
 * Events: `pending`, detail: Item that will be sent; `sent`, {id, seq}; `failed`, Item, for retry() or discard();
 * `gone`, {id}: discarded, or settled by another window.
 */
export class Outbox extends EventTarget {
  #connection;
  #storage;
  #prefix;
  #isReady;
  #send;
  #items = new Map();
  #inFlight = null;
  #timer = null;
  #closing = new AbortController();

  /**
   * @param {import("./resumable_connection.js").ResumableConnection} connection
   * @param {object} options
   * @param {string} options.name of the stream and the author, for instance "feed/7/alice"
   * @param {() => boolean} [options.isReady] whether the server knows the connection as that author
   * @param {(item: Item) => boolean} [options.send] by default sends a frame of `entryType` with the id and the fields
   * @param {Storage?} [options.storage]
   */
  constructor(connection, { name, isReady = () => true, send, storage = browserStorage() }) {
    super();
    this.#connection = connection;
    this.#storage = storage;
    this.#isReady = isReady;
    this.#send = send ?? (({ at, code, author, ...frame }) => connection.send({ type: connection.entryType, ...frame }));
    this.#prefix = `${name}/`;
    this.#load();
    const { signal } = this.#closing;
    const listen = (type, listener) =>
      connection.addEventListener(type, (/** @type {CustomEventInit} */ { detail }) => listener(detail), { signal });
    listen("state", (change) => this.#onState(change));
    listen("ack", ({ id, seq }) => this.settle(id, seq));
    listen(connection.entryType, ({ id, seq }) => this.settle(id, seq));
    listen("error", (error) => this.#onError(error));
    const onStorage = ({ key, newValue }) => {
      if (newValue === null && key?.startsWith(this.#prefix)) this.discard(key.slice(this.#prefix.length));
    };
    globalThis.addEventListener?.("storage", onStorage, { signal });
  }

  /** @returns {Item[]} all that is kept, in order */
  get items() {
    return [...this.#items.values()].sort((one, other) => one.at - other.at);
  }

  /**
   * @param {object} fields of the frame to send
   * @returns {Item}
   */
  add(fields) {
    // Later than all before, since items are sent in the order of these times.
    const at = Math.max(Date.now(), ...this.items.slice(-1).map((last) => last.at + 1));
    const item = { ...fields, id: newId(), at };
    this.#keep(item);
    this.#emit("pending", item);
    this.#flush();
    return item;
  }

  /**
   * The author is another one now. What was added before fails with "other_author", and only retry() sends it.
   * @param {string} name of the stream and the new author
   * @param {string} author the former one
   */
  changeIdentity(name, author) {
    const { items } = this;
    items.forEach(({ id }) => this.#storage?.removeItem(this.#prefix + id));
    this.#prefix = `${name}/`;
    this.#pause(0);
    for (const item of items) {
      this.#items.set(item.id, { author, ...item });
      this.#fail(item.id, "other_author");
    }
    this.#load();
    this.#flush();
  }

  /** @param {string} id of a failed item, which is sent again */
  retry(id) {
    const { code, author, ...item } = this.#items.get(id) ?? {};
    if (!code) return;
    this.#keep(item);
    this.#emit("pending", item);
    this.#flush();
  }

  /** @param {string} id of an item that is not sent any more */
  discard(id) {
    this.#drop(id, "gone");
  }

  /**
   * Removes an item that is stored, as a rendered page shows, for instance.
   * @param {string} id
   * @param {number} seq
   */
  settle(id, seq) {
    this.#drop(id, "sent", { seq });
  }

  /** Stops sending and listening. The items stay in the storage. */
  close() {
    this.#pause(0);
    this.#closing.abort();
  }

  // One at a time: items behind a refused one would overtake it.
  #flush() {
    if (this.#timer || this.#closing.signal.aborted || this.#connection.state !== "online" || !this.#isReady()) return;
    const item = this.items.find(({ code }) => !code);
    if (!item || !this.#send(item)) return;
    this.#inFlight = item.id;
    // A socket may be dead for minutes before the browser notices.
    this.#timer = setTimeout(() => this.#connection.reconnect(), ACK_TIMEOUT);
  }

  #onState({ state, code }) {
    const inFlight = this.#inFlight;
    this.#pause(0);
    if (state === "online") {
      this.#load();
      this.#flush();
    } else if (inFlight && code === CloseCode.MESSAGE_TOO_BIG) {
      this.#fail(inFlight, "too_long");
    }
  }

  #onError({ id, code, retry_after }) {
    if (!this.#items.has(id)) return;
    if (retry_after === undefined) {
      this.#fail(id, code);
      this.#next(id);
    } else if (id === this.#inFlight) {
      // Up to half as long again: clients that were refused together do not return together.
      this.#pause(Math.max(SHORTEST_PAUSE, retry_after * 1000) * (1 + Math.random() / 2));
    }
  }

  #fail(id, code) {
    const item = { ...this.#items.get(id), code };
    this.#keep(item);
    this.#emit("failed", item);
  }

  #drop(id, type, more = {}) {
    if (!this.#items.delete(id)) return;
    this.#storage?.removeItem(this.#prefix + id);
    this.#emit(type, { id, ...more });
    this.#next(id);
  }

  #next(id) {
    if (id !== this.#inFlight) return;
    this.#pause(0);
    this.#flush();
  }

  // Sends nothing for so many milliseconds; 0 ends every pause.
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

  #keep(item) {
    this.#items.set(item.id, item);
    try {
      this.#storage?.setItem(this.#prefix + item.id, JSON.stringify(item));
    } catch {
      // Storage full: sent all the same, but lost by a reload.
    }
  }

  // Takes over what closed windows have left.
  #load() {
    for (const key of Object.keys(this.#storage ?? {})) {
      const id = key.slice(this.#prefix.length);
      if (!key.startsWith(this.#prefix) || this.#items.has(id)) continue;
      const item = { ...JSON.parse(this.#storage.getItem(key)), id };
      if (Date.now() - item.at > STALE) item.code ??= "stale";
      this.#items.set(id, item);
      this.#emit(item.code ? "failed" : "pending", item);
    }
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

// Pages over plain http lack crypto.randomUUID.
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A browser that blocks storage throws on the mere access.
function browserStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}
