// The page of a room: what comes from the server goes into the transcript, what is written goes out.

import { identity, isGuest } from "./authors.js";
import { compose } from "./composer.js";
import { MessageLog } from "./log.js";
import { Outbox } from "./outbox.js";
import { Members, Typists } from "./people.js";
import { Place } from "./place.js";
import { ChatConnection } from "./protocol.js";
import { Unread } from "./unread.js";
import { Visitor } from "./visitor.js";

const PAGE = 50;
// Older messages are fetched before the reader is quite at the top, in pixels.
const NEAR_TOP = 600;
// Of what is read out; the rest is in the transcript.
const SPOKEN_CHARS = 200;

const list = document.querySelector("#chat-log");
const form = document.querySelector("#chat-form");
const error = document.querySelector("#chat-error");
const state = document.querySelector("#connection-state");
const announcer = document.querySelector("#announcer");
const jump = document.querySelector("#jump");

const { path } = list.dataset;
const note = document.querySelector("#identity-note");
const visitor = new Visitor(list.dataset.author, { note, input: form.querySelector("textarea"), path });
const place = new Place(list, list.querySelector(".messages"));
const log = new MessageLog(list, { template: document.querySelector("#chat-message"), place, visitor });
const unread = new Unread({ place, button: jump, label: list.dataset.new });
const members = new Members({
  panel: document.querySelector("#members"),
  button: document.querySelector("#members-button"),
  isYou: (name) => visitor.is(name),
});
const typists = new Typists(document.querySelector("#chat-typing"));

// Where the room was when the page was rendered; unknown in a page without messages of a server without them.
const head = log.newest ?? (list.dataset.head ? Number(list.dataset.head) : null);
const connection = new ChatConnection(path, { after: head });
// A guest who changes the name goes on sending what the old one has written.
const outboxName = (name) => `${path}${identity(name)}`;
const outbox = new Outbox(connection, { name: outboxName(visitor.name), isOurs: (you) => visitor.is(you) });

// Older messages: what we wait for, and whether there may be more.
let wanted = null;
let hasOlder = true;

function loadOlder() {
  const before = log.oldest ?? (connection.seq ?? 0) + 1;
  if (wanted !== null || !hasOlder || before <= 1 || !place.isNearTop(NEAR_TOP)) return;
  wanted = before;
  connection.history(before, PAGE);
}

let isDelayed = false;

function showError({ code, detail, retry_after: retryAfter }) {
  error.textContent = error.dataset[code] ?? detail;
  error.hidden = false;
  isDelayed = retryAfter !== undefined;
}

// The server knows us under another name than the page shows.
function becomeSomebodyElse(you) {
  const was = visitor.name;
  const isRenamed = visitor.is(you);
  if (!visitor.isGuest || !isGuest(you)) {
    // An account's messages wait until it is back; a guest's may be nobody's from now on.
    const kept = visitor.isGuest ? 0 : outbox.entries.length;
    connection.close();
    if (!visitor.reload(you, kept)) form.hidden = true;
    else if (visitor.isGuest) outbox.become(outboxName(you), was);
    return;
  }
  visitor.rename(you);
  list.dataset.author = you;
  log.dressAgain();
  if (!isRenamed) outbox.become(outboxName(you), was);
}

connection.addEventListener("state", ({ detail }) => {
  if (detail.state === "online" && connection.you !== visitor.name) becomeSomebodyElse(connection.you);
  const reason = detail.state === "offline" ? state.dataset[`code${detail.code}`] : undefined;
  // Nothing is said while nothing is wrong.
  state.textContent = reason ?? state.dataset[detail.state] ?? "";
  if (reason) {
    form.hidden = true;
    visitor.keepText();
  }
  list.dataset.connected = connection.state === "online";
  if (connection.state === "online") loadOlder();
  else members.hide();
});
connection.addEventListener("message", ({ detail }) => {
  log.show([detail]);
  typists.show(detail.author, false);
  if (visitor.is(detail.author)) return;
  unread.add(log.item(detail.seq));
  // Polite: a screen reader finishes its sentence first.
  announcer.textContent = `${detail.author}: ${detail.message.slice(0, SPOKEN_CHARS)}`;
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
connection.addEventListener("presence", ({ detail }) => members.show(detail.count, detail.members));
connection.addEventListener("typing", ({ detail }) => {
  if (detail.author !== connection.you) typists.show(detail.author, true);
});
connection.addEventListener("error", ({ detail }) => showError(detail));

outbox.addEventListener("pending", ({ detail }) => log.showUnnumbered(detail, "sending"));
outbox.addEventListener("failed", ({ detail }) => log.showUnnumbered(detail, "failed"));
outbox.addEventListener("gone", ({ detail }) => log.takeAway(detail.id));
outbox.addEventListener("sent", ({ detail }) => {
  log.number(detail.id, detail.seq);
  if (isDelayed) error.hidden = true;
});

place.addEventListener("move", loadOlder);
list.addEventListener("click", ({ target }) => {
  const { action } = target.dataset;
  if (action) outbox[action](target.closest("[data-id]").dataset.id);
});
jump.addEventListener("click", () => {
  place.toEnd();
  form.elements[0].focus();
});

compose(form, {
  send: (text) => {
    error.hidden = true;
    // maxlength cuts what is pasted, and counts an emoji twice.
    if ([...text.normalize()].length > form.elements[0].dataset.max) return showError({ code: "too_long" });
    visitor.forgetNote();
    unread.forget();
    place.toEnd();
    return outbox.add(text);
  },
  typing: () => connection.sendTyping(),
});

// The page may hold what an earlier visit sent without learning that it arrived.
log.stored.forEach(({ id, seq }) => outbox.settle(id, seq));
outbox.entries.forEach((entry) => log.showUnnumbered(entry, entry.code ? "failed" : "sending"));
// Our cookies may be another tab's by now. One that is not connected learns it when it is.
visitor.compareTabs(() => {
  if (connection.state === "online") connection.reconnect();
});
connection.connect();
