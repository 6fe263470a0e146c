// The way back to a list, above the title, leads to the list as it was left: filters, order and page. Nothing is stored:
// the browser says which page of ours led here.
"use strict";

(() => {
  if (!document.referrer) return;
  const before = new URL(document.referrer);
  if (before.origin !== window.location.origin) return;
  for (const link of document.querySelectorAll(".crumbs a[href]")) {
    if (link.pathname === before.pathname && !link.search) link.search = before.search;
  }
})();
