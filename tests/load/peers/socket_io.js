// Socket.IO with its Redis adapter, and what its page on performance tuning recommends: WebSocket only, the native
// add-on of ws (bufferutil), and no reference to the first request.
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const publisher = createClient({ url: process.env.REDIS_URL });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const server = createServer();
const io = new Server(server, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  serveClient: false,
});
io.engine.on("connection", (connection) => {
  connection.request = null;
});
io.on("connection", (socket) => {
  const room = socket.handshake.query.room;
  socket.join(room);
  socket.on("message", (message) => io.to(room).emit("message", message));
});
server.listen({ host: "127.0.0.1", port: Number(process.env.PORT), backlog: 4096 });
