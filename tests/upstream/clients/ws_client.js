// A client with ws.

import WebSocket from "ws";
import { obey, tell } from "./line.js";

const [url, origin, subprotocol] = process.argv.slice(2);
const socket = new WebSocket(url, subprotocol ? [subprotocol] : [], { origin });

socket.on("unexpected-response", (request, response) => {
  tell("refused", { status: response.statusCode });
  process.exit();
});
socket.on("open", () => {
  tell("open", { subprotocol: socket.protocol, extensions: socket.extensions });
  obey({
    send: (text) => socket.send(text),
    ping: (payload) => socket.ping(payload),
    close: (code) => socket.close(code),
  });
});
socket.on("message", (data) => tell("text", { data: data.toString() }));
socket.on("pong", (payload) => tell("pong", { payload: payload.toString() }));
socket.on("close", (code) => {
  tell("close", { code });
  process.exit();
});
