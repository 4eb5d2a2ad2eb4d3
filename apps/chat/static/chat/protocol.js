// One room's WebSocket in the protocol chat.v1 (docs/protocol.md): it comes back by itself and misses nothing.
// Knows nothing of a page; it needs WebSocket, EventTarget and timers.
//
//   const connection = new ChatConnection("wss://chat.example/ws/chat/lobby/", { after: 17 });
//   connection.addEventListener("message", ({ detail }) => console.log(detail.seq, detail.message));
//   connection.connect();
//
// Events; the detail is the server's frame where nothing else is said:
//   state     {state, code}: "online", "reconnecting" or "offline"; the close code where a socket was closed
//   message   each once, in the order of the numbers, across reconnects
//   history   {before, messages, more}: the answer to history(before)
//   reset     what was asked for is not kept any more; messages go on after `head`
//   removed, presence, typing, ack, error

const SUBPROTOCOL = "chat.v1";

// Milliseconds.
const FIRST_DELAY = 500;
const LONGEST_DELAY = 20000;
// A connection that held so long was a good one: the next attempt begins with the shortest delay again.
const STABLE = 10000;
// A network that swallows packets would keep a socket opening for minutes.
const WELCOME_TIMEOUT = 15000;
const TYPING_INTERVAL = 3000;

const RESTARTING = 1012;
const OVERLOADED = 1013;
// What was wrong stays wrong: a bad request, a login that is missing, a room that does not exist.
const FINAL = new Set([1008, 4401, 4404]);

export class ChatConnection extends EventTarget {
  state = "connecting";
  // The name the server knows us by, once it has said welcome.
  you = null;
  // The number of the last message seen; null until the server says where the room is.
  seq;

  #url;
  #socket = null;
  #isWanted = false;
  #attempts = 0;
  #hole = null;
  #asked = [];
  #typedAt = -Infinity;
  #retryTimer;
  #stableTimer;
  #welcomeTimer;

  // after: number of the last message the caller has; without it only new messages come.
  constructor(url, { after = null } = {}) {
    super();
    this.#url = url;
    this.seq = after;
  }

  connect() {
    if (this.#isWanted) return;
    this.#isWanted = true;
    globalThis.addEventListener?.("online", this.#onNetwork);
    globalThis.addEventListener?.("offline", this.#onNetwork);
    this.#open();
  }

  // Ends it; connect() begins again after the last message seen.
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

  // Returns whether the message was handed to the network; Outbox makes sure that it arrives.
  sendMessage(id, message) {
    // Others take the message as the end of our typing; the next key tells them again.
    this.#typedAt = -Infinity;
    return this.#send({ type: "message", id, message });
  }

  // Call it on every key: one frame in three seconds goes out, and one at the beginning of every message.
  sendTyping() {
    if (Date.now() - this.#typedAt < TYPING_INTERVAL) return;
    if (this.#send({ type: "typing" })) this.#typedAt = Date.now();
  }

  // Asks for messages older than a number, now or as soon as there is a connection.
  history(before, limit = 50) {
    const request = { type: "history", before, limit };
    this.#asked.push(request);
    this.#send(request);
  }

  #open() {
    clearTimeout(this.#retryTimer);
    const url = new URL(this.#url);
    if (this.seq !== null) url.searchParams.set("after", this.seq);
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    this.#welcomeTimer = setTimeout(() => this.reconnect(), WELCOME_TIMEOUT);
    // A socket that was given up says nothing more: browsers deliver to open ones only.
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => {
      if (socket === this.#socket) this.#closed(code);
    });
  }

  #send(frame) {
    if (this.state !== "online" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  #receive(frame) {
    switch (frame.type) {
      case "welcome":
        return this.#welcomed(frame);
      case "message":
        return this.#take(frame);
      case "history":
        return this.#emit("history", { ...frame, before: this.#asked.shift()?.before });
      case "reset":
        this.seq = frame.head;
        break;
      case "error":
        if (this.#isHistoryError(frame)) return;
        break;
    }
    this.#emit(frame.type, frame);
  }

  #welcomed(frame) {
    clearTimeout(this.#welcomeTimer);
    this.#stableTimer = setTimeout(() => (this.#attempts = 0), STABLE);
    this.you = frame.you;
    this.seq ??= frame.head;
    this.state = "online";
    // Before listeners ask for more: answers come in the order of the requests.
    this.#asked.forEach((request) => this.#send(request));
    this.#emit("state", { state: "online" });
  }

  #take(frame) {
    if (frame.seq <= this.seq) return;
    if (frame.seq > this.seq + 1) {
      const hole = `${this.seq}-${frame.seq}`;
      // The same hole after a resume is one of the journal: nothing will ever fill it.
      if (hole !== this.#hole) {
        this.#hole = hole;
        this.reconnect();
        return;
      }
    }
    this.seq = frame.seq;
    this.#emit("message", frame);
  }

  // Only errors about a message carry an id.
  #isHistoryError({ code, id, retry_after }) {
    if (id !== undefined || !this.#asked.length) return false;
    if (code !== "invalid_history" && retry_after === undefined) return false;
    const { before, limit } = this.#asked.shift();
    if (retry_after === undefined) return false;
    setTimeout(() => this.history(before, limit), retry_after * 1000);
    return true;
  }

  #closed(code) {
    this.#forgetSocket();
    if (FINAL.has(code)) return this.#stop(code);
    // It served us until now, and another process is there already.
    if (code === RESTARTING && this.state === "online") this.#attempts = 0;
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
    if (state === this.state) return;
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
