// A WebSocket of JSON frames that comes back by itself. Knows nothing of a page; it needs WebSocket, EventTarget, timers.
//
// Events:
//   frame   what the server sent, parsed
//   state   {state, code}: "online", "reconnecting" or "offline"; the close code where a socket was closed

// Milliseconds.
const FIRST_DELAY = 500;
const LONGEST_DELAY = 20000;
// A connection that held so long was a good one: the next attempt begins with the shortest delay again.
const STABLE = 10000;
// A network that swallows packets would keep a socket opening for minutes.
const WELCOME_TIMEOUT = 15000;

const RESTARTING = 1012;
const OVERLOADED = 1013;
const LOGIN_NEEDED = 4401;
// What was wrong stays wrong: a bad request, a place that is not for us, one that does not exist.
const FINAL = new Set([1008, 4403, 4404]);

export class ReconnectingSocket extends EventTarget {
  state = "connecting";

  #address;
  #protocols;
  #isWelcome;
  #socket = null;
  #isWanted = false;
  #attempts = 0;
  #retryTimer;
  #stableTimer;
  #welcomeTimer;

  // address: URL or path, or a function that returns it for each attempt.
  // isWelcome: whether a frame is the one after which the server serves us; the first one, if nothing is said.
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

  // Ends it; connect() begins again.
  close() {
    this.#stop(1000);
  }

  // Gives the socket up and opens another, for a caller who knows that this one is dead.
  reconnect() {
    const socket = this.#socket;
    if (!this.#isWanted) return;
    // Its close event may take minutes to come, and is not waited for.
    this.#closed();
    socket?.close();
  }

  // Returns whether the frame was handed to the network, which does not mean that it arrives.
  send(frame) {
    if (this.state !== "online" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #open() {
    clearTimeout(this.#retryTimer);
    const url = new URL(this.#address(), globalThis.location?.href);
    // ws for http, wss for https; browsers before 2024 do not know that by themselves.
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, this.#protocols);
    this.#socket = socket;
    this.#welcomeTimer = setTimeout(() => this.reconnect(), WELCOME_TIMEOUT);
    // A socket that was given up says nothing more: browsers deliver to open ones only.
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#closed(code);
    });
  }

  #receive(frame) {
    const isWelcome = this.state !== "online" && this.#isWelcome(frame);
    if (isWelcome) {
      clearTimeout(this.#welcomeTimer);
      this.#stableTimer = setTimeout(() => (this.#attempts = 0), STABLE);
      this.state = "online";
    }
    this.#emit("frame", frame);
    // After the frame, so that listeners know already what it says.
    if (isWelcome) this.#emit("state", { state: "online" });
  }

  #closed(code) {
    this.#forgetSocket();
    // A login that ended under us: another tab may hold a new one already. Whoever is refused at the door needs one.
    const isLoggedOut = code === LOGIN_NEEDED && this.state !== "online";
    if (FINAL.has(code) || isLoggedOut) return this.#stop(code);
    // It served us until now, and another process is there already.
    if ([RESTARTING, LOGIN_NEEDED].includes(code) && this.state === "online") this.#attempts = 0;
    if (code === OVERLOADED) this.#attempts = Math.max(this.#attempts, 4);
    this.#comeBack();
    this.#setState(isNetworkGone() ? "offline" : "reconnecting", code);
  }

  // Exponential back-off with full jitter, so that a server does not meet all its clients in the same instant.
  #comeBack() {
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts++);
    this.#retryTimer = setTimeout(() => this.#open(), Math.random() * ceiling);
  }

  #forgetSocket() {
    this.#socket = null;
    clearTimeout(this.#welcomeTimer);
    clearTimeout(this.#stableTimer);
    clearTimeout(this.#retryTimer);
  }

  #stop(code) {
    const socket = this.#socket;
    this.#isWanted = false;
    globalThis.removeEventListener?.("online", this.#onNetwork);
    globalThis.removeEventListener?.("offline", this.#onNetwork);
    this.#forgetSocket();
    socket?.close();
    this.#setState("offline", code);
  }

  // The browser noticed that the network went or came back. We go on trying without it too:
  // a server on this very machine needs none.
  #onNetwork = () => {
    this.#attempts = 0;
    if (this.state !== "online" || isNetworkGone()) this.reconnect();
  };

  #setState(state, code) {
    // Why it ended for good is said, also to who was told "offline" already.
    if (state === this.state && !(code >= 4000)) return;
    this.state = state;
    this.#emit("state", { state, code });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

function isNetworkGone() {
  return globalThis.navigator?.onLine === false;
}
