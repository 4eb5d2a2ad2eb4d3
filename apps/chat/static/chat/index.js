const input = document.querySelector("#room-name-input");

document.querySelector("#room-form").addEventListener("submit", (event) => {
  event.preventDefault();
  window.location.pathname = `/chat/${encodeURIComponent(input.value.trim())}/`;
});
input.focus();
