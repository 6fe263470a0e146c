// Ticks in the list of work orders: all of the page at once, how many, and a reason only where one is needed.
"use strict";

const form = document.getElementById("ticked");
const all = form?.querySelector("[data-tick-all]");

if (all) {
  const boxes = [...form.querySelectorAll('input[name="row"]')];
  const told = form.querySelector("[data-ticked]");
  const kind = form.elements.kind;
  const reason = form.elements.reason;

  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    told.querySelector("output").textContent = count;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    const isNeeded = kind.value === reason.dataset.neededFor;
    reason.hidden = !isNeeded;
    reason.required = isNeeded;
  };

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  window.addEventListener("pageshow", show); // the browser may bring ticks back
  all.closest("label").hidden = false;
  told.hidden = false;
  show();
}
