// Text lines: a list of tags to pick from, and each line filled in from a work order while it is typed.
(() => {
  "use strict";
  const picker = document.getElementById("tags");
  if (!picker) return;
  const form = picker.closest("form");
  const search = document.getElementById("tag-search");
  const list = document.getElementById("tag-list");
  const options = [...picker.querySelectorAll("[role=option]")];
  const example = document.getElementById("example");
  const count = document.getElementById("tag-count");
  const tools = [...form.querySelectorAll(".text-tools")];
  const inputOf = (tool) => form.elements.namedItem(tool.dataset.line);

  // --- Lines with their tags as labels, below what is typed -----------------------------------------------------------

  const labels = new Map(options.map((option) => [option.dataset.tag, option.querySelector(".meaning").textContent]));
  const braces = { "{{": "{", "}}": "}" };

  const labelled = (part) => {
    const label = part.startsWith("{") && labels.get(part.slice(1, -1));
    const node = document.createElement("span");
    node.className = label ? "tag-label" : "";
    node.textContent = label || braces[part] || part;
    return node;
  };

  const drawLabels = (tool) => {
    const parts = inputOf(tool).value.split(/(\{\{|\}\}|\{[a-z0-9_]+\})/).filter(Boolean).map(labelled);
    const shown = tool.previousElementSibling;
    shown.replaceChildren(...parts);
    shown.hidden = !shown.querySelector(".tag-label");
  };

  const addLabels = (tool) => {
    const shown = document.createElement("p");
    shown.className = "tag-labels";
    tool.before(shown);
    drawLabels(tool);
    for (const kind of ["input", "change"]) inputOf(tool).addEventListener(kind, () => drawLabels(tool));
  };

  // --- Lines filled in ----------------------------------------------------------------------------------------------

  let asked = 0;

  const tellProblem = (tool, problem) => {
    const told = tool.querySelector(".problem");
    if (told.textContent === problem) return; // said once, not at every key
    told.textContent = problem;
    const input = inputOf(tool);
    if (problem) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };

  const show = (tool, line) => {
    const preview = tool.querySelector(".preview");
    const shown = line.parts.map((part) => {
      const node = document.createElement(part.unknown ? "mark" : "span");
      node.textContent = part.text;
      return node;
    });
    if (line.is_empty) shown.splice(0, shown.length, picker.dataset.leftOut);
    preview.classList.toggle("muted", line.is_empty);
    preview.replaceChildren(...shown);
    tellProblem(tool, line.problem);
  };

  const offerExamples = (answer) => {
    const offered = answer.examples.map((each) => new Option(each.label, each.pk, false, each.pk === answer.example));
    if (offered.length) example.replaceChildren(...offered);
  };

  const showAnswer = (answer) => {
    for (const tool of tools) show(tool, answer.lines[tool.dataset.line]);
    for (const option of options) option.querySelector(".value").textContent = answer.values[option.dataset.tag];
    if (document.activeElement !== example) offerExamples(answer);
  };

  const ask = async () => {
    const number = ++asked;
    const sent = new URLSearchParams({ example: example.value });
    for (const name of ["csrfmiddlewaretoken", "hour_rounding"]) {
      const control = form.elements.namedItem(name);
      if (control) sent.set(name, control.value);
    }
    for (const tool of tools) sent.set(tool.dataset.line, inputOf(tool).value);
    let answer = null;
    try {
      const reply = await fetch(picker.dataset.address, { method: "POST", body: sent });
      if (reply.ok && !reply.redirected) answer = await reply.json();
    } catch {
      answer = null; // no connection, or we left the page: told below the lines
    }
    if (number !== asked) return; // a newer question is under way
    if (answer) showAnswer(answer);
    else for (const tool of tools) tool.querySelector(".preview").textContent = picker.dataset.failed;
  };

  let timer = 0;
  const askSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 250);
  };

  // --- The list of tags ---------------------------------------------------------------------------------------------

  let line = null; // the text line that the list was opened for
  let place = [0, 0]; // where its cursor stood
  let active = null;

  const visible = () => [...list.children].filter((option) => !option.hidden);

  const activate = (option) => {
    if (active) active.setAttribute("aria-selected", "false");
    active = option || null;
    if (!active) return search.removeAttribute("aria-activedescendant");
    active.setAttribute("aria-selected", "true");
    search.setAttribute("aria-activedescendant", active.id);
    active.scrollIntoView({ block: "nearest" });
  };

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of options) {
      const text = option.textContent.toLowerCase();
      option.hidden = !words.every((word) => text.includes(word));
    }
    // A tag with these letters in its own name comes before one whose explanation or example has them.
    const named = options.filter((option) => words.every((word) => option.dataset.tag.includes(word)));
    list.append(...named, ...options.filter((option) => !named.includes(option)));
    const found = visible();
    picker.querySelector(".none").hidden = found.length > 0;
    count.textContent = `${count.dataset.text} ${found.length}`;
    activate(found[0]);
  };

  const close = ({ isFocusBack }) => {
    if (!line) return;
    const input = inputOf(line);
    picker.hidden = true;
    search.setAttribute("aria-expanded", "false");
    line.querySelector(".insert").setAttribute("aria-expanded", "false");
    line = null;
    if (!isFocusBack) return;
    input.focus();
    input.setSelectionRange(...place);
  };

  const open = (tool) => {
    close({ isFocusBack: false });
    line = tool;
    const input = inputOf(tool);
    place = [input.selectionStart, input.selectionEnd];
    tool.after(picker);
    tool.querySelector(".insert").setAttribute("aria-expanded", "true");
    picker.hidden = false;
    search.setAttribute("aria-expanded", "true");
    search.value = "";
    filter();
    search.focus();
  };

  const insert = (option) => {
    const input = inputOf(line);
    input.setRangeText(`{${option.dataset.tag}}`, ...place, "end");
    place = [input.selectionEnd, input.selectionEnd];
    close({ isFocusBack: true });
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const step = (by) => {
    const found = visible();
    if (found.length) activate(found[(found.indexOf(active) + by + found.length) % found.length]);
  };

  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => active && insert(active),
    Escape: () => close({ isFocusBack: true }),
  };

  search.addEventListener("keydown", (event) => {
    const does = keys[event.key];
    if (!does || event.isComposing) return;
    event.preventDefault();
    event.stopPropagation();
    does();
  });
  for (const kind of ["input", "change"]) {
    // What is searched for is no setting: the form hears nothing of it.
    search.addEventListener(kind, (event) => event.stopPropagation());
    example.addEventListener(kind, (event) => event.stopPropagation());
  }
  search.addEventListener("input", filter);
  picker.addEventListener("mousedown", (event) => {
    if (event.target !== search) event.preventDefault(); // the cursor stays in the search
  });
  picker.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) insert(option);
  });
  picker.addEventListener("focusout", (event) => {
    if (!picker.contains(event.relatedTarget)) close({ isFocusBack: false });
  });

  // Now, and not with the first answer: what is below it would move from under the pointer.
  example.closest(".example").hidden = false;
  for (const tool of tools) {
    addLabels(tool);
    inputOf(tool).addEventListener("input", askSoon);
    const button = tool.querySelector(".insert");
    if (!button) continue;
    button.hidden = false;
    // Pressing the button again closes the list; without this its losing the focus would close it, and open it anew.
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => (line === tool ? close({ isFocusBack: true }) : open(tool)));
  }
  form.addEventListener("change", (event) => {
    if (event.target.name === "hour_rounding") askSoon();
  });
  example.addEventListener("change", ask);
  ask();
})();
