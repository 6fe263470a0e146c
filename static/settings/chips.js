// A text line with its tags as readable chips. The input below keeps the line as it is stored: tags as codes in braces.
(() => {
  "use strict";
  const EMPTY = "\u200b"; // gives the cursor a place beside a chip that nothing stands next to
  const PARTS = /(\{\{|\}\}|\{[a-z0-9_]+\})/; // doubled braces are braces

  /** The line as it is stored, of a part of the page. */
  const stored = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data.replaceAll(EMPTY, "");
    if (node.dataset && node.dataset.tag) return `{${node.dataset.tag}}`;
    return [...node.childNodes].map(stored).join("");
  };

  window.chips = {
    /** Put an editor in the place of an input; `labels` are the names of the tags. */
    edit(input, labels) {
      const editor = document.createElement("div");
      const label = input.closest(".field").querySelector("label");
      let cursor = [input.value.length, input.value.length];

      const isTag = (part) => part !== undefined && part.startsWith("{") && labels.has(part.slice(1, -1));

      const chip = (part) => {
        const node = document.createElement("span");
        node.className = "tag-label";
        node.contentEditable = "false";
        node.dataset.tag = part.slice(1, -1);
        node.textContent = labels.get(node.dataset.tag);
        return node;
      };

      const draw = () => {
        const parts = input.value.split(PARTS).filter(Boolean);
        const nodes = parts.flatMap((part, at) => {
          if (!isTag(part)) return [part];
          const isLast = at === parts.length - 1 || isTag(parts[at + 1]);
          return [...(at ? [] : [EMPTY]), chip(part), ...(isLast ? [EMPTY] : [])];
        });
        editor.replaceChildren(...nodes);
      };

      const offset = (node, at) => {
        const before = document.createRange();
        before.setStart(editor, 0);
        before.setEnd(node, at);
        return stored(before.cloneContents()).length;
      };

      const remember = () => {
        const selection = document.getSelection();
        if (!selection.rangeCount) return;
        const range = selection.getRangeAt(0);
        const ends = [range.startContainer, range.endContainer];
        if (!ends.every((end) => editor.contains(end))) return;
        cursor = [offset(range.startContainer, range.startOffset), offset(range.endContainer, range.endOffset)];
      };

      /** The place in the editor of a position in the line. */
      const placeOf = (position) => {
        let left = position;
        for (const node of editor.childNodes) {
          const length = stored(node).length;
          const isText = node.nodeType === Node.TEXT_NODE;
          if (isText && left <= length) return [node, node.data.startsWith(EMPTY) ? left + 1 : left];
          left -= length;
        }
        return [editor, editor.childNodes.length];
      };

      const focus = (start, end) => {
        cursor = [start, end];
        editor.focus();
        document.getSelection().setBaseAndExtent(...placeOf(start), ...placeOf(end));
      };

      const take = () => {
        input.value = stored(editor).replace(/[\r\n]+/g, " ");
        remember();
        const texts = [...editor.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
        if (input.value && !texts.some((node) => node.data.split(PARTS).some(isTag))) return;
        draw(); // a code that was typed becomes a chip
        if (editor.contains(document.activeElement)) focus(...cursor);
      };

      const paste = (event) => {
        event.preventDefault();
        const from = event.clipboardData || event.dataTransfer;
        document.execCommand("insertText", false, from.getData("text/plain").replace(/[\r\n]+/g, " "));
      };

      /** Copied is what is stored, so that it can be pasted into another line. */
      const copy = (event) => {
        remember();
        event.preventDefault();
        event.clipboardData.setData("text/plain", input.value.slice(...cursor));
        if (event.type === "cut") document.execCommand("delete");
      };

      editor.className = "tag-editor";
      editor.id = input.id;
      editor.contentEditable = String(!input.disabled);
      editor.spellcheck = false;
      label.id = `${input.id}_label`;
      label.removeAttribute("for");
      const attributes = { role: "textbox", "aria-labelledby": label.id, "aria-multiline": "false" };
      for (const [name, value] of Object.entries(attributes)) editor.setAttribute(name, value);
      for (const name of ["aria-describedby", "aria-invalid"]) {
        if (input.hasAttribute(name)) editor.setAttribute(name, input.getAttribute(name));
      }
      if (input.disabled) {
        editor.setAttribute("aria-disabled", "true");
        editor.tabIndex = 0; // a viewer reads it too
      }
      input.removeAttribute("id");
      input.hidden = true;
      input.before(editor);
      label.addEventListener("click", () => editor.focus());
      editor.addEventListener("click", (event) => {
        const clicked = event.target.closest(".tag-label");
        if (!clicked || input.disabled) return;
        const after = offset(editor, [...editor.childNodes].indexOf(clicked) + 1);
        focus(after, after);
      });
      editor.addEventListener("input", take);
      editor.addEventListener("paste", paste);
      editor.addEventListener("drop", paste);
      editor.addEventListener("copy", copy);
      editor.addEventListener("cut", copy);
      editor.addEventListener("keydown", (event) => {
        if (event.key === "Enter") event.preventDefault(); // one line
      });
      editor.addEventListener("beforeinput", (event) => {
        if (event.inputType.startsWith("format")) event.preventDefault();
      });
      document.addEventListener("selectionchange", remember);
      window.addEventListener("pageshow", draw);
      draw();
      return { editor, draw, focus, cursor: () => cursor };
    },
  };
})();
