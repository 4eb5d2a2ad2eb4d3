// The page of all rooms: how many members each of them has, live.

import { ReconnectingSocket } from "../channels_live/reconnecting_socket.js";
import { showAvatar } from "./authors.js";
import { peopleHere } from "./members.js";
import { showRecent } from "./times.js";
import { openVisitorChannel } from "./visitor_channel.js";

const busy = document.querySelector("#busy");
const busyList = busy.querySelector("ul");
const template = busy.querySelector("template");

document.querySelectorAll(".rooms time").forEach(showRecent);
document.querySelectorAll(".avatar[data-author]").forEach((avatar) => showAvatar(avatar, avatar.dataset.author));

function show(counts) {
  document.querySelectorAll(".rooms [data-room]").forEach((link) => showCount(link, counts.get(link.dataset.room)));
  const busiest = [...counts].sort(([, one], [, other]) => other - one);
  busy.hidden = !busiest.length;
  // No link moves away under a pointer or loses the focus.
  if (busyList.matches(":hover, :focus-within")) return;
  busyList.replaceChildren(...busiest.map(([name, count]) => makeLink(name, count)));
}

function showCount(link, count) {
  const element = link.querySelector(".count");
  element.hidden = !count;
  element.textContent = count ? peopleHere(element, count) : "";
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

// A guest's new name is also the one of the rooms in other tabs: see visitor.js.
openVisitorChannel(busy.dataset.socket)?.postMessage(busy.dataset.author);

// All counts are sent again on every connection, so there is nothing to resume.
const socket = new ReconnectingSocket(busy.dataset.socket);
socket.addEventListener("frame", ({ detail }) => show(new Map(Object.entries(detail.rooms))));
socket.addEventListener("state", ({ detail }) => {
  if (detail.state !== "online") show(new Map());
});
socket.connect();
