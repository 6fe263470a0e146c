// The search over the page: Ctrl+K or, unless switched off, / opens it, arrows choose, Enter goes there.
"use strict";

(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("[role=combobox]");
  const list = dialog.querySelector("[role=listbox]");
  const status = dialog.querySelector("[role=status]");
  const PAUSE = 120; // between the last key and the question, in milliseconds

  let timer = 0;
  let question = null;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");

  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
  };

  const move = (steps) => {
    const all = options();
    const at = all.indexOf(chosen());
    const from = at < 0 && steps < 0 ? 0 : at;
    if (all.length) choose(all[(from + steps + all.length) % all.length]);
  };

  const show = (html) => {
    list.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    input.setAttribute("aria-expanded", options().length > 0);
    status.textContent = list.querySelector("[data-count]")?.dataset.count ?? "";
    choose(options()[0]);
  };

  const search = async () => {
    question?.abort();
    const asked = new AbortController();
    question = asked;
    const address = new URL(dialog.querySelector("form").action);
    address.search = new URLSearchParams({ q: input.value, part: "palette" });
    try {
      const answer = await fetch(address, { signal: asked.signal });
      if (answer.redirected) window.location.reload(); // logged out meanwhile
      else if (!answer.ok) throw new Error(answer.statusText);
      else show(await answer.text());
    } catch {
      if (asked.signal.aborted) return;
      show("");
      status.textContent = dialog.dataset.failed;
    }
  };

  const open = () => {
    if (dialog.open) return;
    dialog.showModal();
    input.select();
    search();
  };

  // A key without Ctrl can be in the way of speech input: an account can switch it off.
  const isSlashOn = document.querySelector("[data-palette][data-slash]") !== null;
  const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

  document.addEventListener("keydown", (event) => {
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k";
    const isSlash = isSlashOn && event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey;
    const isFree = !document.querySelector("dialog[open]") && !isTyping(event.target);
    if (!isCommand && !(isSlash && isFree)) return;
    event.preventDefault();
    open();
  });

  document.querySelector("[data-palette]")?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
    event.preventDefault();
    open();
  });

  input.addEventListener("input", () => {
    choose(null); // what is chosen belongs to the text before
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE);
  });

  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter" && chosen()) chosen().click();
    else return;
    event.preventDefault();
  });

  list.addEventListener("mousemove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== chosen()) choose(option);
  });
  // A link to a place on this very page loads nothing.
  list.addEventListener("click", (event) => event.target.closest("[role=option]") && !event.ctrlKey && dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.querySelector("[data-shut]").addEventListener("click", () => dialog.close());
  window.addEventListener("pageshow", () => dialog.close());
})();
