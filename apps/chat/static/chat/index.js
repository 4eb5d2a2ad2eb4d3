// The page where a room is picked: how many are in which room, as it changes.

import { ReconnectingSocket } from "../web/reconnecting_socket.js";
import { showAvatar } from "./authors.js";
import { openChannel } from "./tabs.js";
import { showRecent } from "./times.js";

const busy = document.querySelector("#busy");
const busyList = busy.querySelector("ul");
const template = busy.querySelector("template");

document.querySelectorAll(".rooms time").forEach(showRecent);
document.querySelectorAll(".avatar[data-author]").forEach((avatar) => showAvatar(avatar, avatar.dataset.author));

function show(counts) {
  document.querySelectorAll(".rooms [data-room]").forEach((link) => showCount(link, counts.get(link.dataset.room)));
  const busiest = [...counts].sort(([, one], [, other]) => other - one);
  busy.hidden = !busiest.length;
  // Nothing moves under a pointer, or away from the focus.
  if (busyList.matches(":hover, :focus-within")) return;
  busyList.replaceChildren(...busiest.map(([name, count]) => makeLink(name, count)));
}

function showCount(link, count) {
  const element = link.querySelector(".count");
  element.hidden = !count;
  element.textContent = count ? element.dataset.text.replace("{count}", count) : "";
}

function makeLink(name, count) {
  const item = template.content.firstElementChild.cloneNode(true);
  const link = item.querySelector("a");
  link.href = `${busy.dataset.path}${encodeURIComponent(name)}/`;
  link.dataset.room = name;
  link.querySelector(".room-name").textContent = name;
  showCount(link, count);
  return item;
}

// A guest who has just got a name, or changed it, has it in the rooms of the other tabs too: see visitor.js.
openChannel(busy.dataset.socket)?.postMessage(busy.dataset.author);

// Numbers, which come anew with every connection: nothing to resume, nothing lost.
const socket = new ReconnectingSocket(busy.dataset.socket);
socket.addEventListener("frame", ({ detail }) => show(new Map(Object.entries(detail.rooms))));
socket.addEventListener("state", ({ detail }) => {
  if (detail.state !== "online") show(new Map());
});
socket.connect();
