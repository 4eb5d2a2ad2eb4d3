import { ReconnectingSocket } from "../web/reconnecting_socket.js";

const poll = document.querySelector("#poll");
const state = document.querySelector("#poll-state");
const socket = new ReconnectingSocket(poll.dataset.socket);
let vote = null;

socket.addEventListener("frame", ({ detail: counts }) => {
  poll.querySelectorAll("output").forEach((output) => (output.value = counts[output.name] ?? 0));
});
socket.addEventListener("state", ({ detail }) => {
  state.textContent = state.dataset[detail.state] ?? "";
  // Again with every connection, since one may be lost on the way, and the server counts the first.
  if (vote !== null) socket.send(vote);
});
poll.addEventListener("change", ({ target }) => {
  vote ??= target.value === "true";
  socket.send(vote);
});
socket.connect();
