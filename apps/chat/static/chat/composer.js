// Where a message is written: Enter sends, Shift+Enter breaks the line, and it grows with the text.

const growsByItself = CSS.supports("field-sizing", "content");

// send and typing are called with the text; what send does not take stays.
export function compose(form, { send, typing }) {
  const input = form.querySelector("textarea");

  const grow = () => {
    if (growsByItself) return;
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    input.focus();
    if (!input.value.trim()) return;
    if (!send(input.value)) return;
    input.value = "";
    grow();
  });
  input.addEventListener("input", () => {
    grow();
    if (input.value) typing(input.value);
  });
  input.addEventListener("keydown", (event) => {
    // Enter that ends an input method's composition must not send (Japanese); Safari knows it by the key code only.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  grow();
  input.focus();
}
