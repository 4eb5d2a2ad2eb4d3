import { ReconnectingSocket } from "../web/reconnecting_socket.js";

const list = document.querySelector("#feed");
const form = document.querySelector("#feed-form");
const state = document.querySelector("#feed-state");
// What is sent and not acknowledged yet, by its id.
const waiting = new Map();
let last = 0;
let epoch = "";

const socket = new ReconnectingSocket(
  () => `${list.dataset.socket}?after=${last}${epoch && `&epoch=${epoch}`}`,
  { protocols: ["journal.v1"] },
);
const send = (frame) => frame && socket.send(frame);
const receive = {
  welcome: (frame) => (epoch = frame.epoch),
  reset: (frame) => {
    last = frame.head;
    list.replaceChildren();
  },
  entry: (frame) => {
    last = frame.seq;
    const item = document.createElement("li");
    item.textContent = `${frame.actor}: ${frame.text}`;
    list.prepend(item);
  },
  ack: (frame) => waiting.delete(frame.id),
  error: (frame) => {
    if (frame.retry_after) setTimeout(() => send(waiting.get(frame.id)), frame.retry_after * 1000);
    else waiting.delete(frame.id);
  },
};

socket.addEventListener("frame", ({ detail: frame }) => receive[frame.type]?.(frame));
socket.addEventListener("state", ({ detail }) => {
  state.textContent = state.dataset[detail.state] ?? "";
  // The server stores an id once, however often it is sent.
  if (detail.state === "online") waiting.forEach(send);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const id = `${Date.now()}-${Math.random()}`;
  waiting.set(id, { type: "append", id, text: form.text.value });
  send(waiting.get(id));
  form.reset();
});
socket.connect();
