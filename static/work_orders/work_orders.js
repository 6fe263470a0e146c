// Ticks in the list of work orders: all of the page at once, how many, and a reason only where one is needed.
"use strict";

const form = document.getElementById("ticked");
const all = form?.querySelector("[data-tick-all]");

if (all) {
  const boxes = [...form.querySelectorAll('input[name="row"]')];
  const told = form.querySelector("[data-ticked]");
  const kind = form.elements.kind;
  const reason = form.elements.reason;

  const sum = told.querySelector("[data-sum]");
  const euros = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: "EUR" });

  /** What the ticked work orders come to, as far as prices are known. */
  const showSum = (ticked) => {
    const known = ticked.filter((box) => box.dataset.cents);
    const isLeast = known.length < ticked.length || known.some((box) => "least" in box.dataset);
    const cents = known.reduce((total, box) => total + Number(box.dataset.cents), 0);
    const text = isLeast ? sum.dataset.leastText : sum.dataset.text;
    sum.textContent = known.length ? text.replace("{sum}", euros.format(cents / 100)) : "";
  };

  const whole = form.elements.all; // all of the list, not only of this page

  const show = () => {
    const ticked = boxes.filter((box) => box.checked);
    const count = ticked.length;
    told.querySelector("output").textContent = whole?.checked ? whole.value : count;
    if (whole?.checked) sum.textContent = sum.dataset.text.replace("{sum}", whole.dataset.sum);
    else showSum(ticked);
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    const isNeeded = reason.dataset.neededFor.split(" ").includes(kind.value);
    reason.hidden = !isNeeded;
    reason.required = isNeeded;
  };

  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    if (whole && !all.checked) whole.checked = false;
    show();
  });
  form.addEventListener("change", (event) => {
    if (whole && event.target === whole) for (const box of boxes) box.checked = whole.checked;
    else if (whole && event.target.name === "row" && !event.target.checked) whole.checked = false;
    show();
  });
  window.addEventListener("pageshow", show); // the browser may bring ticks back
  all.closest("label").hidden = false;
  told.hidden = false;
  show();
}
