// Plain Node: ws broadcasts as its documentation shows, Redis carries the messages between processes.
// bufferutil beside it is the native add-on that its documentation recommends; compression is off by default.
import { createClient } from "redis";
import { WebSocket, WebSocketServer } from "ws";

const publisher = createClient({ url: process.env.REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const rooms = new Map();

function join(room, socket) {
  let members = rooms.get(room);
  if (!members) {
    rooms.set(room, (members = new Set()));
    subscriber.subscribe(
      room,
      (message) => {
        for (const member of members)
          if (member.readyState === WebSocket.OPEN) member.send(message, { binary: false });
      },
      true, // the message as a buffer, which is encoded once for all
    );
  }
  members.add(socket);
}

function leave(room, socket) {
  const members = rooms.get(room);
  members.delete(socket);
  if (members.size) return;
  rooms.delete(room);
  subscriber.unsubscribe(room);
}

new WebSocketServer({ host: "127.0.0.1", port: Number(process.env.PORT), backlog: 4096 }).on("connection", (socket, request) => {
  const room = request.url;
  join(room, socket);
  socket.on("error", console.error);
  socket.on("message", (data) => publisher.publish(room, data));
  socket.on("close", () => leave(room, socket));
});
