// Bun: its server's own publish gives a message to all members of a topic. With REDIS_URL the messages go through
// Redis, as those of all other peers do; without it they stay in this one process.
import { RedisClient } from "bun";

const url = process.env.REDIS_URL;
const publisher = url && new RedisClient(url);
const subscriber = url && new RedisClient(url);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT),
  fetch(request, server) {
    const room = new URL(request.url).pathname;
    return server.upgrade(request, { data: { room } }) ? undefined : new Response(null, { status: 426 });
  },
  websocket: {
    open(socket) {
      const { room } = socket.data;
      if (subscriber && server.subscriberCount(room) === 0)
        subscriber.subscribe(room, (message) => server.publish(room, message));
      socket.subscribe(room);
    },
    message(socket, message) {
      if (publisher) publisher.publish(socket.data.room, message);
      else server.publish(socket.data.room, message);
    },
    close(socket) {
      const { room } = socket.data;
      if (subscriber && server.subscriberCount(room) === 0) subscriber.unsubscribe(room);
    },
  },
});
