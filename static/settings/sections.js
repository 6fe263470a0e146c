// The sections of the settings page: which one the reader is in, and which fields have the words that are searched for.
(() => {
  "use strict";
  const form = document.getElementById("settings");
  const links = document.getElementById("sections");
  if (!form || !links) return;
  const sections = [...form.querySelectorAll("section[id]")];
  const linkOf = (section) => links.querySelector(`a[href="#${section.id}"]`);

  // --- Where the reader is ------------------------------------------------------------------------------------------

  let wanted = null; // the section of the address: a short last one never reaches the top of the window

  const mark = (current) => {
    for (const section of sections) {
      const link = linkOf(section);
      if (section !== current) link.removeAttribute("aria-current");
      else if (!link.hasAttribute("aria-current")) {
        link.setAttribute("aria-current", "true");
        // Only sideways, on narrow screens: the page itself stays where it is.
        links.scrollTo({ left: link.offsetLeft - links.offsetLeft - 16 });
      }
    }
  };

  const isInView = (section) => {
    const { top, bottom } = section.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  };

  const locate = () => {
    const shown = sections.filter((section) => !section.hidden);
    const passed = shown.filter((section) => section.getBoundingClientRect().top < window.innerHeight / 3);
    if (wanted && !isInView(wanted)) wanted = null;
    mark(wanted || passed.at(-1) || shown[0]);
  };

  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    wanted = target ? target.closest("section") : null;
    locate();
  };

  const forget = () => {
    wanted = null; // the reader moves on by hand
  };

  for (const kind of ["wheel", "touchmove", "keydown"]) window.addEventListener(kind, forget, { passive: true });
  window.addEventListener("scroll", locate, { passive: true });
  window.addEventListener("resize", locate);
  window.addEventListener("hashchange", follow);
  follow();

  // --- Finding a setting --------------------------------------------------------------------------------------------

  const box = document.getElementById("find-box");
  const search = document.getElementById("find");
  const found = document.getElementById("found");
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

  /** What is searched: the label, the help text, the choices, and the headings above them. */
  const textOf = (field) => {
    const group = field.closest("fieldset");
    const heads = [field.closest("section").querySelector("h2"), group && group.querySelector("legend")];
    const own = [...field.querySelectorAll("label, .label, .help")];
    const named = group && group.getAttribute("aria-label");
    return folded([...heads, ...own].map((node) => (node ? node.textContent : "")).join(" ") + ` ${named || ""}`);
  };

  const hideEmpty = () => {
    for (const place of [...form.querySelectorAll("fieldset"), ...sections]) {
      const fields = [...place.querySelectorAll(".field")];
      place.hidden = fields.length > 0 && fields.every((field) => field.hidden);
    }
    for (const section of sections) linkOf(section).hidden = section.hidden;
  };

  const tell = (count) => {
    found.textContent = search.value.trim() ? `${found.dataset.text} ${count}` : "";
    document.getElementById("none-found").hidden = count > 0;
  };

  const show = () => {
    const words = folded(search.value).split(/\s+/).filter(Boolean);
    form.classList.toggle("is-searched", words.length > 0);
    const fields = [...form.querySelectorAll(".field")];
    for (const field of fields) {
      const text = textOf(field);
      field.hidden = !words.every((word) => text.includes(word));
      const rare = field.closest("details.rare");
      if (rare && words.length && !field.hidden) rare.open = true;
    }
    hideEmpty();
    tell(fields.filter((field) => !field.hidden).length);
    // Without words it is for settings.js to say again which options apply.
    if (!words.length) form.dispatchEvent(new Event("search-over"));
    locate();
  };

  const focusFirst = () => {
    const first = form.querySelector(".field:not([hidden]) :is(input, select, textarea, [contenteditable])");
    if (first) first.focus();
  };

  search.addEventListener("input", show);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault(); // else the key would go on to the field, and send the form
      focusFirst();
    } else if (event.key === "Escape") {
      search.value = "";
      show();
    }
  });
  // A field that a link leads to is not left hidden.
  window.addEventListener("hashchange", () => {
    if (!search.value) return;
    search.value = "";
    show();
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) target.scrollIntoView();
  });
  box.hidden = false;
})();
