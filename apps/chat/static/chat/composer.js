// The composer: Enter sends, Shift+Enter breaks the line, and the input grows with its text. A touch keyboard has one
// Enter key, which breaks the line there; the button sends.

const growsNatively = CSS.supports("field-sizing", "content");
const isTouch = matchMedia("(hover: none) and (pointer: coarse)").matches;
// The counter is shown from so many characters before the limit.
const COUNTED = 200;

// send and typing are called with the text, which stays in the input where send returns nothing. limit: in characters;
// draft: see draft.js.
export function compose(form, { send, typing, limit, draft }) {
  const input = form.querySelector("textarea");
  const counter = form.parentElement.querySelector("#chat-counter");

  const update = () => {
    draft.text = input.value;
    const left = limit - characters(input.value);
    const { left: before, over } = counter.dataset;
    counter.textContent = left > COUNTED ? "" : (left < 0 ? over : before).replace("{count}", Math.abs(left));
    counter.classList.toggle("wrong", left < 0);
    if (growsNatively) return;
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    input.focus();
    if (!input.value.trim()) return;
    if (!send(input.value)) return;
    input.value = "";
    update();
  });
  input.addEventListener("input", () => {
    update();
    if (input.value) typing(input.value);
  });
  input.addEventListener("keydown", (event) => {
    // Enter that ends an input method's composition (Japanese) must not send; Safari shows it by the key code only.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    if (isTouch && !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  if (isTouch) input.enterKeyHint = "enter";
  input.value ||= draft.text;
  update();
  input.focus();
}

// As the server counts: maxlength would cut what is pasted, and count an emoji twice.
export function characters(text) {
  return [...text.normalize()].length;
}
