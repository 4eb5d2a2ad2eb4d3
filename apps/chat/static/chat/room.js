// The page of a room: connects the transcript, the composer and the connection.

import { Outbox } from "../channels_live/outbox.js";
import { Announcer } from "./announcer.js";
import { identity, isGuest } from "./authors.js";
import { ChatConnection } from "./chat_connection.js";
import { characters, compose } from "./composer.js";
import { Draft } from "./draft.js";
import { Members, TypingIndicator } from "./members.js";
import { moveWithArrows } from "./message_keys.js";
import { MessageLog } from "./message_log.js";
import { ScrollAnchor } from "./scroll_anchor.js";
import { Unread } from "./unread.js";
import { Visitor } from "./visitor.js";

const PAGE = 50;
// Older messages are fetched when the reader is so many pixels from the top.
const NEAR_TOP = 600;

const list = document.querySelector("#chat-log");
const form = document.querySelector("#chat-form");
const error = document.querySelector("#chat-error");
const status = document.querySelector("#connection-state");
const announcer = new Announcer(document.querySelector("#announcer"));
const jump = document.querySelector("#jump");

const { path } = list.dataset;
const note = document.querySelector("#identity-note");
const visitor = new Visitor(list.dataset.author, { note, input: form.querySelector("textarea"), path });
const scrollAnchor = new ScrollAnchor(list, list.querySelector(".messages"));
const log = new MessageLog(list, { template: document.querySelector("#chat-message"), scrollAnchor, visitor });
const unread = new Unread({ scrollAnchor, button: jump, label: list.dataset.new });
const members = new Members({
  panel: document.querySelector("#members"),
  button: document.querySelector("#members-button"),
  isYou: (name) => visitor.is(name),
});
const typing = new TypingIndicator(document.querySelector("#chat-typing"));

// The room's head when the page was rendered, if known.
const head = log.newest ?? (list.dataset.head ? Number(list.dataset.head) : null);
const connection = new ChatConnection(path, { after: head });
// The same for all names of one guest, so that a new name sends what was written under the old one.
const outboxName = (name) => `chat.outbox/${path}${identity(name)}`;
const outbox = new Outbox(connection, {
  name: outboxName(visitor.name),
  isReady: () => visitor.is(connection.you),
  send: (item) => connection.sendMessage(item),
});
const draft = new Draft(() => `chat.draft/${path}${identity(visitor.name)}`);
const limit = Number(form.elements[0].dataset.max);

// The number before which older messages were asked for; whether there may be more.
let requestedBefore = null;
let hasOlder = true;

function loadOlder() {
  const before = log.oldest ?? (connection.seq ?? 0) + 1;
  if (requestedBefore !== null || !hasOlder || before <= 1 || !scrollAnchor.isNearTop(NEAR_TOP)) return;
  requestedBefore = before;
  connection.history(before, PAGE);
}

let isDelayed = false;

function showError({ code, detail, retry_after: retryAfter }) {
  error.textContent = error.dataset[code] ?? detail;
  error.hidden = false;
  isDelayed = retryAfter !== undefined;
}

// The server knows the connection under another name than the page shows.
function changeIdentity(you) {
  const was = visitor.name;
  const isRenamed = visitor.is(you);
  if (!visitor.isGuest || !isGuest(you)) {
    // An account's messages wait for its next login; a guest may never return.
    const kept = visitor.isGuest ? 0 : outbox.items.length;
    connection.close();
    if (!visitor.reload(you, kept)) form.hidden = true;
    else {
      // The text goes with the visitor.
      draft.text = "";
      if (visitor.isGuest) outbox.changeIdentity(outboxName(you), was);
    }
    return;
  }
  draft.text = "";
  visitor.rename(you);
  draft.text = form.elements[0].value;
  list.dataset.author = you;
  log.refreshOwn();
  if (!isRenamed) outbox.changeIdentity(outboxName(you), was);
}

function on(target, type, listener) {
  target.addEventListener(type, ({ detail }) => listener(detail));
}

on(connection, "state", (change) => {
  if (change.state === "online" && connection.you !== visitor.name) changeIdentity(connection.you);
  const isClosed = change.state === "closed";
  const reason = isClosed ? status.dataset[`code${change.code}`] : undefined;
  // Empty while connected.
  status.textContent = reason ?? status.dataset[isClosed ? "offline" : change.state] ?? "";
  if (reason) {
    status.append(document.querySelector(`#code${change.code}`)?.content.cloneNode(true) ?? "");
    form.hidden = true;
  }
  list.dataset.connected = connection.state === "online";
  if (connection.state === "online") loadOlder();
  else members.hide();
});
on(connection, "message", (message) => {
  const { seq, author } = message;
  log.show([message]);
  typing.show(author, false);
  if (visitor.is(author)) return;
  unread.add(log.item(seq));
  announcer.say(author, message.message);
});
on(connection, "removed", ({ seq }) => log.showRemoved(seq));
on(connection, "reset", () => {
  log.clear();
  requestedBefore = null;
  hasOlder = true;
  loadOlder();
});
on(connection, "history", ({ before, messages, more }) => {
  // The request may be older than a reset.
  if (before !== requestedBefore) return;
  requestedBefore = null;
  hasOlder = more;
  log.show(messages);
  messages.forEach(({ id, seq }) => outbox.settle(id, seq));
  // The window may still have space.
  loadOlder();
});
on(connection, "presence", ({ count, members: names }) => members.show(count, names));
on(connection, "typing", ({ author }) => {
  if (author !== connection.you) typing.show(author, true);
});
on(connection, "error", showError);

on(outbox, "pending", (item) => log.showUnsent(item, "sending"));
on(outbox, "failed", (item) => log.showUnsent(item, "failed"));
on(outbox, "gone", ({ id }) => log.removeUnsent(id));
on(outbox, "sent", ({ id, seq }) => {
  log.markSent(id, seq);
  if (isDelayed) error.hidden = true;
});

moveWithArrows(list, form.elements[0]);
scrollAnchor.addEventListener("move", loadOlder);
list.addEventListener("click", ({ target }) => {
  const { action } = target.dataset;
  if (action) outbox[action](target.closest("[data-id]").dataset.id);
});
jump.addEventListener("click", () => {
  scrollAnchor.scrollToEnd();
  form.elements[0].focus();
});

compose(form, {
  send: (text) => {
    error.hidden = true;
    if (characters(text) > limit) return showError({ code: "too_long" });
    visitor.clearNote();
    unread.removeLine();
    scrollAnchor.scrollToEnd();
    return outbox.add({ text });
  },
  typing: () => connection.sendTyping(),
  limit,
  draft,
});

// The page may contain messages whose acknowledgement an earlier visit did not see.
log.stored.forEach(({ id, seq }) => outbox.settle(id, seq));
outbox.items.forEach((item) => log.showUnsent(item, item.code ? "failed" : "sending"));
// Another tab may have changed the cookies; the next connection shows it.
visitor.compareTabs(() => {
  if (connection.state === "online") connection.reconnect();
});
connection.connect();
