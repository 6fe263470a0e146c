// Charts: one stop for the Tab key each; the arrow keys, Home and End go from bar to bar.
"use strict";

(() => {
  const bars = (chart) => [...chart.querySelectorAll("a")];
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

  /** Only the newest bar is reached with Tab. */
  const prepare = () => {
    for (const chart of document.querySelectorAll("figure.bars")) {
      const links = bars(chart);
      const isEntered = links.some((link) => link === document.activeElement);
      if (!isEntered) links.forEach((link, place) => link.setAttribute("tabindex", place === links.length - 1 ? "0" : "-1"));
    }
  };

  document.addEventListener("keydown", (event) => {
    const chart = event.target.closest("figure.bars a") && event.target.closest("figure.bars");
    if (!chart || !(event.key in STEPS) || event.ctrlKey || event.altKey || event.metaKey) return;
    const links = bars(chart);
    const place = links.indexOf(event.target.closest("a")) + STEPS[event.key];
    const next = links[Math.min(Math.max(place, 0), links.length - 1)];
    for (const link of links) link.setAttribute("tabindex", link === next ? "0" : "-1");
    next.focus();
    event.preventDefault();
  });

  document.addEventListener("htmx:afterSettle", prepare);
  prepare();
})();
