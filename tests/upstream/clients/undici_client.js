// A client with undici, which is Node's own WebSocket and that of browsers: it shows no pings, and no status.

import { WebSocket } from "undici";
import { obey, tell } from "./line.js";

const [url, origin, subprotocol] = process.argv.slice(2);
const socket = new WebSocket(url, { protocols: subprotocol ? [subprotocol] : [], headers: { origin } });
let isOpen = false;

socket.addEventListener("open", () => {
  isOpen = true;
  tell("open", { subprotocol: socket.protocol, extensions: socket.extensions });
  obey({ send: (text) => socket.send(text), close: (code) => socket.close(code) });
});
socket.addEventListener("message", ({ data }) => tell("text", { data }));
socket.addEventListener("close", ({ code }) => {
  tell(...(isOpen ? ["close", { code }] : ["refused", { status: null }]));
  process.exit();
});
