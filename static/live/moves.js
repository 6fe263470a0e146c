// Follows open runs: asks whether one moved, less often while it does not, and never for a page that nobody sees.
"use strict";

(() => {
  const SOONEST = 1000;
  const LATEST = 5000;
  // A part is fetched whole when the run's state changes; else this often at most, and at least, in milliseconds.
  const WHOLE_AT_MOST = 5000;
  const WHOLE_AT_LEAST = 30000;

  const seen = () => new Promise((resolve) => {
    if (!document.hidden) resolve();
    else document.addEventListener("visibilitychange", () => resolve(seen()), { once: true });
  });

  const after = (milliseconds) => new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

  /** Return what is new, null when nothing is; undefined when the page itself must ask. */
  const news = async (part, mark) => {
    const answer = await fetch(`${part.dataset.moves}?seen=${mark}`, { credentials: "omit", cache: "no-store" });
    if (answer.status === 204) return null;
    return answer.ok ? answer.json() : undefined;
  };

  const paint = (part, { done, total }) => {
    const bar = part.querySelector("progress[max]");
    if (!bar || !total) return;
    bar.max = total;
    bar.value = done;
  };

  const follow = async (part) => {
    let mark = part.dataset.seen;
    let pause = SOONEST;
    let wholeAt = Date.now();
    while (part.isConnected) {
      await after(pause);
      await seen();
      if (!part.isConnected) return;
      let found = null;
      try {
        found = await news(part, mark);
      } catch {
        // No network: asked again later, as when nothing moved.
      }
      pause = found ? SOONEST : Math.min(pause * 1.5, LATEST);
      mark = found?.seen ?? mark;
      const age = Date.now() - wholeAt;
      const isWhole = found === undefined || found?.state !== undefined && found.state !== part.dataset.state;
      if (isWhole || age >= (found ? WHOLE_AT_MOST : WHOLE_AT_LEAST)) {
        wholeAt = Date.now();
        htmx.trigger(part, "moved");
      } else if (found) paint(part, found);
    }
  };

  htmx.onLoad((content) => {
    const parts = [...content.querySelectorAll("[data-moves]")];
    if (content.matches("[data-moves]")) parts.push(content);
    parts.forEach(follow);
  });
})();
