// The way back to a list, above the title, leads to the list as it was last seen in this tab: filters, order and page.
"use strict";

(() => {
  const key = (path) => `seen ${path}`;
  try {
    for (const link of document.querySelectorAll(".crumbs a[href]")) {
      const seen = sessionStorage.getItem(key(link.pathname));
      if (seen && !link.search) link.search = seen;
    }
    sessionStorage.setItem(key(window.location.pathname), window.location.search);
  } catch {
    // No storage: the way back leads to the whole list.
  }
})();
