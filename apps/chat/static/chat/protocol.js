// One room's WebSocket in the protocol chat.v1 (docs/protocol.md): it comes back by itself and misses nothing.
// Knows nothing of a page; it needs WebSocket, EventTarget and timers.
//
//   const connection = new ChatConnection("wss://chat.example/ws/chat/lobby/", { after: 17 });
//   connection.addEventListener("message", ({ detail }) => console.log(detail.seq, detail.message));
//   connection.connect();
//
// Events beside those of ReconnectingSocket; the detail is the server's frame where nothing else is said:
//   message   each once, in the order of the numbers, across reconnects
//   history   {before, messages, more}: the answer to history(before)
//   reset     what was asked for is not kept any more; messages go on after `head`
//   removed, presence, typing, ack, error

import { ReconnectingSocket } from "../web/reconnecting_socket.js";

const SUBPROTOCOL = "chat.v1";
// Milliseconds.
const TYPING_INTERVAL = 3000;

export class ChatConnection extends ReconnectingSocket {
  // The name the server knows us by, once it has said welcome.
  you = null;
  // The number of the last message seen; null until the server says where the room is.
  seq;

  // Which journal the numbers are of: after a restored backup they say something else.
  #epoch = null;
  #hole = null;
  #asked = [];
  #typedAt = -Infinity;

  // after: number of the last message the caller has; without it only new messages come.
  constructor(path, { after = null } = {}) {
    super(() => this.#address(path), {
      protocols: SUBPROTOCOL,
      isWelcome: ({ type }) => type === "welcome",
    });
    this.seq = after;
    this.addEventListener("frame", ({ detail }) => this.#receive(detail));
  }

  // Returns whether the message was handed to the network; Outbox makes sure that it arrives.
  sendMessage(id, message) {
    // Others take the message as the end of our typing; the next key tells them again.
    this.#typedAt = -Infinity;
    return this.send({ type: "message", id, message });
  }

  // Call it on every key: one frame in three seconds goes out, and one at the beginning of every message.
  sendTyping() {
    if (Date.now() - this.#typedAt < TYPING_INTERVAL) return;
    if (this.send({ type: "typing" })) this.#typedAt = Date.now();
  }

  // Asks for messages older than a number, now or as soon as there is a connection.
  history(before, limit = 50) {
    const request = { type: "history", before, limit };
    this.#asked.push(request);
    this.send(request);
  }

  #address(path) {
    if (this.seq === null) return path;
    return `${path}?after=${this.seq}${this.#epoch ? `&epoch=${encodeURIComponent(this.#epoch)}` : ""}`;
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
    this.you = frame.you;
    this.#epoch = frame.epoch;
    this.seq ??= frame.head;
    // Before listeners ask for more: answers come in the order of the requests.
    this.#asked.forEach((request) => this.send(request));
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

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
