import { Connection } from "./connection.js";

const log = document.querySelector("#chat-log");
const input = document.querySelector("#chat-message-input");
const error = document.querySelector("#chat-error");
const state = document.querySelector("#connection-state");

// As in the tutorial, where the log is a textarea.
Object.defineProperty(log, "value", {
  get: () => Array.from(log.children, (item) => `${item.textContent}\n`).join(""),
});

function show(text) {
  const item = document.createElement("p");
  item.textContent = text;
  const following = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.append(item);
  if (following) log.scrollTop = log.scrollHeight;
}

const connection = new Connection(document.querySelector(".room").dataset.path, {
  onMessage(content) {
    if (!content.error) return show(content.message);
    error.textContent = error.dataset[content.error.code] ?? content.error.detail;
    error.hidden = false;
  },
  onState(open) {
    state.hidden = open;
    log.dataset.connected = open;
  },
});

document.querySelector("#chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!input.value || !connection.send({ message: input.value })) return;
  input.value = "";
  error.hidden = true;
});

// Enter that ends an input method's composition must not send (Japanese).
input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.isComposing) event.preventDefault();
});
input.focus();
