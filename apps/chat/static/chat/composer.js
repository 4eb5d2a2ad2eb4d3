// The composer: Enter sends, Shift+Enter breaks the line, and the input grows with its text.

const growsNatively = CSS.supports("field-sizing", "content");

// send and typing are called with the text, which stays in the input where send returns nothing.
export function compose(form, { send, typing }) {
  const input = form.querySelector("textarea");

  const grow = () => {
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
    grow();
  });
  input.addEventListener("input", () => {
    grow();
    if (input.value) typing(input.value);
  });
  input.addEventListener("keydown", (event) => {
    // Enter that ends an input method's composition (Japanese) must not send; Safari shows it by the key code only.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  grow();
  input.focus();
}
