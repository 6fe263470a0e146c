// The start page: a menu beside a button closes when its run has been started, and with Escape.
"use strict";

document.addEventListener("htmx:afterRequest", (event) => {
  const menu = event.target.closest("details.run-menu");
  if (menu && event.detail.successful) close(menu);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest("details.run-menu[open]");
  if (menu) close(menu);
});

function close(menu) {
  menu.open = false;
  menu.querySelector("summary").focus();
}
