// @ts-check

import { ReconnectingSocket } from "./reconnecting_socket.js";

/** @typedef {import("./reconnecting_socket.js").Address} Address */

/**
 * A member of a durable stream, which resumes behind the last entry it has seen (docs/client.md).
 * Events: each frame under its `type`, detail: the frame; entries once each, in the order of `seq`. And `state`.
 */
export class ResumableConnection extends ReconnectingSocket {
  /** @type {number?} of the last entry; null until it is known */
  seq;
  /** @type {string?} the journal in which `seq` counts */
  epoch;
  entryType;

  #gap;

  /**
   * @param {Address | (() => Address | Promise<Address>)} address `after` and `epoch` are added to its query
   * @param {object} [options]
   * @param {string | string[]} [options.protocols] subprotocols
   * @param {string} [options.entryType] `type` of entries
   * @param {number?} [options.after] `seq` of the last entry that the caller has; by default only new ones come
   * @param {string?} [options.epoch] its `epoch`
   */
  constructor(address, { protocols, entryType = "entry", after = null, epoch = null } = {}) {
    super(async () => this.#resuming(await (typeof address === "function" ? address() : address)), {
      protocols,
      isWelcome: ({ type }) => type === "welcome",
    });
    this.entryType = entryType;
    this.seq = after;
    this.epoch = epoch;
  }

  /** @protected @param {any} frame */
  receive(frame) {
    const { type, seq, head, epoch } = frame;
    if (type === "welcome") {
      this.epoch = epoch;
      this.seq ??= head;
    } else if (type === "reset") {
      this.seq = head;
    } else if (type === this.entryType && !this.#isNext(seq)) {
      return;
    }
    this.emit(type, frame);
  }

  #resuming(address) {
    const url = new URL(address, globalThis.location?.href);
    if (this.seq !== null) url.searchParams.set("after", String(this.seq));
    if (this.seq !== null && this.epoch) url.searchParams.set("epoch", this.epoch);
    return url;
  }

  #isNext(seq) {
    if (seq <= this.seq) return false;
    const gap = `${this.seq}-${seq}`;
    // The same gap after a resume is one of the journal, and nothing fills it.
    if (seq > this.seq + 1 && gap !== this.#gap) {
      this.#gap = gap;
      this.reconnect();
      return false;
    }
    this.seq = seq;
    return true;
  }
}
