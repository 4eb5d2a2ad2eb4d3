// A WebSocket that comes back: exponential back-off with full jitter, so that a restarted server
// does not meet all its clients in the same instant.

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15000;

export class Connection {
  #attempts = 0;
  #socket;

  // path: of the WebSocket on this page's host. onMessage gets the parsed JSON, onState true when open.
  constructor(path, { onMessage, onState }) {
    const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
    this.url = `${scheme}//${window.location.host}${path}`;
    this.onMessage = onMessage;
    this.onState = onState;
    this.#open();
  }

  // Returns whether the value was handed to an open socket.
  send(value) {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(value));
    return true;
  }

  #open() {
    this.#socket = new WebSocket(this.url);
    this.#socket.addEventListener("open", () => {
      this.#attempts = 0;
      this.onState(true);
    });
    this.#socket.addEventListener("message", (event) => this.onMessage(JSON.parse(event.data)));
    this.#socket.addEventListener("close", () => {
      this.onState(false);
      const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempts++);
      setTimeout(() => this.#open(), Math.random() * ceiling);
    });
  }
}
