// Once an answer leads to another page, this page asks nothing more: each further answer would begin that journey anew,
// which a slow line never ends, and what the other page reports would stand there twice.
"use strict";

(() => {
  let isLeaving = false;

  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    if (detail.xhr.getResponseHeader("HX-Redirect")) isLeaving = true;
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isLeaving) event.preventDefault();
  });

  // The way back may show the page as it was left.
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted) isLeaving = false;
  });
})();
