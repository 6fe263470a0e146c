// The tabs are one row, which a telephone cannot show whole: begin with the one where the reader is.
"use strict";

(() => {
  const tabs = document.querySelector(".tabs");
  const here = tabs?.querySelector("[aria-current]");
  if (here) tabs.scrollLeft = here.offsetLeft - (tabs.clientWidth - here.offsetWidth) / 2;
})();
