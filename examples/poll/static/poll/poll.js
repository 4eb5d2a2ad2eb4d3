import { ReconnectingSocket } from "../channels_live/reconnecting_socket.js";

const poll = document.querySelector("#poll");
const status = document.querySelector("#poll-state");
const socket = new ReconnectingSocket(poll.dataset.socket);
let vote = null;

socket.addEventListener("frame", ({ detail: counts }) => {
  poll.querySelectorAll("output").forEach((output) => (output.value = counts[output.name] ?? 0));
});
socket.addEventListener("state", ({ detail: { state } }) => {
  status.textContent = status.dataset[state] ?? "";
  // Sent on every connection, since a vote may be lost with one; the server counts the first.
  if (vote !== null) socket.send(vote);
});
poll.addEventListener("change", ({ target }) => socket.send((vote ??= target.value === "true")));
socket.connect();
