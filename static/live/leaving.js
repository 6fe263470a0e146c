// Once an answer redirects to another page, this page asks nothing more: each further answer would load that page again
// from the start, so that a slow line never gets there, and what the page reports would be shown twice.
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
