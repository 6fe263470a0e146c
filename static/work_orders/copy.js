// Buttons that copy a number. Browsers allow that on secure pages only: elsewhere they stay hidden.
"use strict";

const SHOWN_MS = 1500;

/** Copy the number of a button, and say so on it for a moment. */
const copy = async (button) => {
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.textContent;
  button.textContent = button.dataset.done;
  button.disabled = true;
  setTimeout(() => {
    button.textContent = label;
    button.disabled = false;
  }, SHOWN_MS);
};

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
