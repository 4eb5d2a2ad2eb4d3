// Moves the focus from message to message with the arrow keys, so that each time is reached without a pointer.
// https://www.w3.org/WAI/ARIA/apg/patterns/feed/

import { neighbour } from "./lazy_chunks.js";

const SIDES = { ArrowUp: "previous", ArrowDown: "next" };

export function moveWithArrows(log, input) {
  log.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape") return input.focus();
    const side = SIDES[event.key];
    if (!side) return;
    const focused = document.activeElement.closest(".message");
    const item = focused ? neighbour(focused, side) : [...log.querySelectorAll(".message")].at(-1);
    if (!item) return;
    event.preventDefault();
    item.tabIndex = -1;
    item.focus();
  });
}
