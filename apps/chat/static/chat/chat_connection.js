// One room's WebSocket in the protocol chat.v1 (docs/protocol.md). Each frame of the server is an event of its type; that
// of `history` also has `before`, the number that was asked for.

import { ResumableConnection } from "../channels_live/resumable_connection.js";

// Milliseconds.
const TYPING_INTERVAL = 3000;

export class ChatConnection extends ResumableConnection {
  // The name under which the server knows this connection.
  you = null;

  #requests = [];
  #typedAt = -Infinity;

  constructor(path, { after = null } = {}) {
    super(path, { protocols: "chat.v1", entryType: "message", after });
  }

  // Returns whether the message was handed to the network.
  sendMessage({ id, text }) {
    // A message ends the typing that others see; the next key starts it again.
    this.#typedAt = -Infinity;
    return this.send({ type: "message", id, message: text });
  }

  // To be called on every key.
  sendTyping() {
    if (Date.now() - this.#typedAt < TYPING_INTERVAL) return;
    if (this.send({ type: "typing" })) this.#typedAt = Date.now();
  }

  // Asks for messages older than a number, now or as soon as there is a connection.
  history(before, limit = 50) {
    const request = { type: "history", before, limit };
    this.#requests.push(request);
    this.send(request);
  }

  receive(frame) {
    if (frame.type === "welcome") {
      this.you = frame.you;
      // Before listeners ask for more: the answers come in the order of the requests.
      this.#requests.forEach((request) => this.send(request));
    } else if (frame.type === "history") {
      frame.before = this.#requests.shift()?.before;
    } else if (frame.type === "error" && this.#isHistoryError(frame)) {
      return;
    }
    super.receive(frame);
  }

  // Only errors about a message have an id.
  #isHistoryError({ code, id, retry_after }) {
    if (id !== undefined || !this.#requests.length) return false;
    if (code !== "invalid_history" && retry_after === undefined) return false;
    const { before, limit } = this.#requests.shift();
    if (retry_after === undefined) return false;
    setTimeout(() => this.history(before, limit), retry_after * 1000);
    return true;
  }
}
