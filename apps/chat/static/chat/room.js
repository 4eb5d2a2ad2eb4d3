// The page of a room.

import { MessageLog } from "./log.js";
import { Outbox } from "./outbox.js";
import { ChatConnection } from "./protocol.js";

const PAGE = 50;
// Older messages are fetched before the reader is quite at the top, in pixels.
const NEAR_TOP = 200;
const TYPING_SHOWN = 5000;

const room = document.querySelector(".room");
const list = document.querySelector("#chat-log");
const form = document.querySelector("#chat-form");
const input = document.querySelector("#chat-message-input");
const error = document.querySelector("#chat-error");
const state = document.querySelector("#connection-state");
const members = document.querySelector("#chat-members");
const typing = document.querySelector("#chat-typing");

const log = new MessageLog(list, document.querySelector("#chat-message"));
const author = room.dataset.author;
// Where the room was when the page was rendered; unknown in a page without messages of a server without them.
const head = log.newest ?? (room.dataset.head ? Number(room.dataset.head) : null);
const url = new URL(room.dataset.path, window.location.href.replace(/^http/, "ws"));
const connection = new ChatConnection(url, { after: head });
const outbox = new Outbox(connection, { name: `${room.dataset.path}${author}` });

// Older messages: what we wait for, and whether there may be more.
let wanted = null;
let hasOlder = true;

function loadOlder() {
  const before = log.oldest ?? (connection.seq ?? 0) + 1;
  if (wanted !== null || !hasOlder || before <= 1 || list.scrollTop > NEAR_TOP) return;
  wanted = before;
  connection.history(before, PAGE);
}

let isDelayed = false;

function showError({ code, detail, retry_after: retryAfter }) {
  error.textContent = error.dataset[code] ?? detail;
  error.hidden = false;
  isDelayed = retryAfter !== undefined;
}

connection.addEventListener("state", ({ detail }) => {
  state.textContent = state.dataset[detail.state];
  state.dataset.state = detail.state;
  list.dataset.connected = detail.state === "online";
  members.hidden ||= detail.state !== "online";
  if (detail.state === "online") loadOlder();
});
connection.addEventListener("message", ({ detail }) => {
  log.show([detail]);
  showTyping(detail.author, false);
});
connection.addEventListener("removed", ({ detail }) => log.showRemoved(detail.seq));
connection.addEventListener("reset", () => {
  log.clear();
  wanted = null;
  hasOlder = true;
  loadOlder();
});
connection.addEventListener("history", ({ detail }) => {
  // Asked before a reset.
  if (detail.before !== wanted) return;
  wanted = null;
  hasOlder = detail.more;
  log.show(detail.messages);
  detail.messages.forEach(({ id, seq }) => outbox.settle(id, seq));
  // The window may still not be full.
  loadOlder();
});
connection.addEventListener("presence", ({ detail }) => {
  members.textContent = members.dataset.text.replace("{count}", detail.count);
  members.title = detail.members.join(", ");
  members.hidden = false;
});
connection.addEventListener("typing", ({ detail }) => {
  if (detail.author !== connection.you) showTyping(detail.author, true);
});
connection.addEventListener("error", ({ detail }) => showError(detail));

outbox.addEventListener("pending", ({ detail }) => log.showUnnumbered(detail, author, "sending"));
outbox.addEventListener("failed", ({ detail }) => log.showUnnumbered(detail, author, "failed"));
outbox.addEventListener("gone", ({ detail }) => log.takeAway(detail.id));
outbox.addEventListener("sent", ({ detail }) => {
  log.number(detail.id, detail.seq);
  if (isDelayed) error.hidden = true;
});

list.addEventListener("scroll", loadOlder);
list.addEventListener("click", ({ target }) => {
  const { action } = target.dataset;
  if (action) outbox[action](target.closest("[data-id]").dataset.id);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!input.value) return;
  error.hidden = true;
  outbox.add(input.value);
  input.value = "";
});
input.addEventListener("input", () => {
  if (input.value) connection.sendTyping();
});
// Enter that ends an input method's composition must not send (Japanese); Safari knows it by the key code only.
input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.preventDefault();
});

const typists = new Map();

function showTyping(name, isTyping) {
  if (!isTyping && !typists.has(name)) return;
  clearTimeout(typists.get(name));
  typists.delete(name);
  if (isTyping) typists.set(name, setTimeout(() => showTyping(name, false), TYPING_SHOWN));
  const { one, many } = typing.dataset;
  typing.textContent = typists.size > 1 ? many : [...typists.keys()].map((typist) => one.replace("{name}", typist)).join();
}

// The page may hold what an earlier visit sent without learning that it arrived.
log.stored.forEach(({ id, seq }) => outbox.settle(id, seq));
outbox.entries.forEach((entry) => log.showUnnumbered(entry, author, entry.code ? "failed" : "sending"));
connection.connect();
input.focus();
