// @ts-check

import { CloseCode } from "./close_codes.js";

// Milliseconds.
const FIRST_DELAY = 500;
const LONGEST_DELAY = 20000;
// After a connection that lasted this long the delays start again with the shortest.
const STABLE = 10000;
// A network that drops packets would keep a socket opening for minutes.
const WELCOME_TIMEOUT = 15000;

// Clients of an overloaded server wait as before this attempt: up to 8 s.
const OVERLOADED_ATTEMPT = 4;
// The next attempt would be refused too.
const FINAL = [CloseCode.POLICY_VIOLATION, CloseCode.FORBIDDEN, CloseCode.NOT_FOUND];

/**
 * @typedef {string | URL} Address of ws, http, or a path of this site
 * @typedef {"connecting" | "online" | "reconnecting" | "offline" | "closed"} State
 *   "offline": the browser has no network; "closed": by close() or a final close code
 */

/**
 * A WebSocket of JSON frames that reconnects by itself (docs/client.md).
 * Events: `frame`, detail: what the server sent; `state`, detail: {state: State, code?: close code of the server}.
 */
export class ReconnectingSocket extends EventTarget {
  /** @type {State} */
  state = "connecting";

  #address;
  #protocols;
  #isWelcome;
  #socket = null;
  // Identifies the newest attempt to open a socket.
  #attempt = null;
  #isWanted = false;
  #failures = 0;
  #timers = {};

  /**
   * @param {Address | (() => Address | Promise<Address>)} address a function is called for each attempt
   * @param {object} [options]
   * @param {string | string[]} [options.protocols] subprotocols
   * @param {(frame: any) => boolean} [options.isWelcome] whether a frame says that the server serves this socket;
   *   by default the first one does
   */
  constructor(address, { protocols = [], isWelcome = () => true } = {}) {
    super();
    this.#address = typeof address === "function" ? address : () => address;
    this.#protocols = protocols;
    this.#isWelcome = isWelcome;
  }

  connect() {
    if (this.#isWanted) return;
    this.#isWanted = true;
    globalThis.addEventListener?.("online", this.#onNetwork);
    globalThis.addEventListener?.("offline", this.#onNetwork);
    this.#open();
  }

  /** Closes the socket for good; connect() starts again. */
  close() {
    this.#stop(CloseCode.NORMAL_CLOSURE);
  }

  /** Replaces a socket that the caller knows to be dead. */
  reconnect() {
    if (!this.#isWanted) return;
    const socket = this.#socket;
    // Its close event may take minutes, and is not waited for.
    this.#onClose();
    socket?.close();
  }

  /**
   * @param {any} frame sent as JSON
   * @returns {boolean} whether it was handed to the network; it may still be lost
   */
  send(frame) {
    if (this.state !== "online" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** @protected @param {any} frame of the server */
  receive(frame) {
    this.emit("frame", frame);
  }

  /** @protected @param {string} type @param {any} detail */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  async #open() {
    const attempt = (this.#attempt = {});
    this.#timers.welcome = setTimeout(() => this.reconnect(), WELCOME_TIMEOUT);
    let address;
    try {
      address = await this.#address();
    } catch {
      if (attempt === this.#attempt) this.#onClose();
      return;
    }
    if (attempt !== this.#attempt) return;
    const url = new URL(address, globalThis.location?.href);
    // Browsers before 2024 do not translate the scheme.
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(url, this.#protocols));
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.#onMessage(JSON.parse(data));
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#onClose(code);
    });
  }

  #onMessage(frame) {
    const isWelcome = this.state !== "online" && this.#isWelcome(frame);
    if (isWelcome) {
      clearTimeout(this.#timers.welcome);
      this.#timers.stable = setTimeout(() => (this.#failures = 0), STABLE);
      this.state = "online";
    }
    this.receive(frame);
    // After the frame, so that listeners know its content.
    if (isWelcome) this.emit("state", { state: "online" });
  }

  #onClose(code = undefined) {
    const wasOnline = this.state === "online";
    this.#forgetSocket();
    // Where a login ended during a connection, another tab may have logged in again: one attempt shows it.
    if (FINAL.includes(code) || (code === CloseCode.LOGIN_REQUIRED && !wasOnline)) return this.#stop(code);
    // Another process serves at once.
    if (wasOnline && [CloseCode.SERVICE_RESTART, CloseCode.LOGIN_REQUIRED].includes(code)) this.#failures = 0;
    if (code === CloseCode.TRY_AGAIN_LATER) this.#failures = Math.max(this.#failures, OVERLOADED_ATTEMPT);
    // Exponential back-off with full jitter: a server's clients do not all return at once.
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#failures++);
    this.#timers.retry = setTimeout(() => this.#open(), Math.random() * ceiling);
    this.#setState(isNetworkGone() ? "offline" : "reconnecting", code);
  }

  #forgetSocket() {
    this.#socket = this.#attempt = null;
    Object.values(this.#timers).forEach(clearTimeout);
  }

  #stop(code) {
    const socket = this.#socket;
    this.#isWanted = false;
    globalThis.removeEventListener?.("online", this.#onNetwork);
    globalThis.removeEventListener?.("offline", this.#onNetwork);
    this.#forgetSocket();
    socket?.close();
    this.#setState("closed", code);
  }

  // The browser's network went or came back. Attempts go on without one: a server on the same machine needs none.
  #onNetwork = () => {
    this.#failures = 0;
    if (this.state !== "online" || isNetworkGone()) this.reconnect();
  };

  #setState(state, code) {
    if (state === this.state) return;
    this.state = state;
    this.emit("state", { state, code });
  }
}

function isNetworkGone() {
  return globalThis.navigator?.onLine === false;
}
