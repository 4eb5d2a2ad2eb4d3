import { Outbox } from "../channels_live/outbox.js";
import { ResumableConnection } from "../channels_live/resumable_connection.js";

const list = document.querySelector("#feed");
const form = document.querySelector("#feed-form");
const state = document.querySelector("#feed-state");
const connection = new ResumableConnection(list.dataset.socket, { protocols: ["journal.v1"], after: 0 });
const outbox = new Outbox(connection, { name: list.dataset.socket });

connection.addEventListener("entry", ({ detail: { actor, text } }) => {
  const item = document.createElement("li");
  item.textContent = `${actor}: ${text}`;
  list.prepend(item);
});
connection.addEventListener("reset", () => list.replaceChildren());
connection.addEventListener("state", ({ detail }) => {
  state.textContent = state.dataset[detail.state] ?? "";
});
outbox.addEventListener("failed", ({ detail: { id, text } }) => {
  state.textContent = `${state.dataset.failed} ${text}`;
  outbox.discard(id);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  outbox.add({ text: form.text.value });
  form.reset();
});
connection.connect();
