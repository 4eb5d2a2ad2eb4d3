const form = document.querySelector("#room-form");
const input = document.querySelector("#room-name-input");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  window.location.href = `${form.action}${encodeURIComponent(input.value.trim())}/`;
});
input.focus();
