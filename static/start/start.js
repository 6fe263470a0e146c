// The start page: a menu beside a button closes when its run has been started, and with Escape.
"use strict";

(() => {
  const shut = (menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  };

  document.addEventListener("htmx:afterRequest", (event) => {
    const menu = event.target.closest("details.run-menu");
    if (menu && event.detail.successful) shut(menu);
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.run-menu[open]");
    if (menu) shut(menu);
  });
})();
