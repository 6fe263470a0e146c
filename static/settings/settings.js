// The settings page: what means nothing now is hidden, and nobody leaves with unsaved changes by accident.
(() => {
  "use strict";
  const form = document.getElementById("settings");
  if (!form) return;

  // --- What means nothing now ---------------------------------------------------------------------------------------

  const fieldOf = (name) => {
    const control = form.elements.namedItem(name);
    return control ? control.closest(".field") : null;
  };

  /** A switch is on when it is set and means something itself. */
  const isOn = (name) => {
    const control = form.elements.namedItem(name);
    if (!control) return false;
    const isSet = control.type === "checkbox" ? control.checked : !["", "off"].includes(control.value);
    return isSet && isMeant(fieldOf(name));
  };

  const isMeant = (field) => {
    const needs = field && field.dataset.needs;
    return !needs || needs.split(" ").every((either) => either.split("|").some(isOn));
  };

  const hideWhatMeansNothing = () => {
    for (const field of form.querySelectorAll("[data-needs]")) {
      // A field with an error is shown, whatever it means: it must be found.
      field.hidden = !isMeant(field) && !field.classList.contains("bad");
    }
    for (const group of form.querySelectorAll("fieldset")) {
      const fields = [...group.querySelectorAll(".field")];
      group.hidden = fields.length > 0 && fields.every((field) => field.hidden);
    }
    document.getElementById("hidden-note").hidden = !form.querySelector("[data-needs][hidden]");
  };

  // --- What is not saved yet ----------------------------------------------------------------------------------------

  const marker = document.getElementById("unsaved");
  const written = (of = form) => new URLSearchParams(new FormData(of)).toString();
  /** The form as the server sent it: somebody may have typed before this script came. */
  const asSent = () => {
    const copy = form.cloneNode(true);
    copy.reset();
    return written(copy);
  };
  const before = asSent();
  let isLeavingOnPurpose = false;

  const isUnsaved = () => "unsaved" in form.dataset || written() !== before;

  const mark = () => {
    if (!marker) return;
    const told = isUnsaved() ? marker.dataset.text : "";
    if (marker.textContent !== told) marker.textContent = told;
  };

  const update = () => {
    hideWhatMeansNothing();
    mark();
  };

  form.addEventListener("input", update);
  form.addEventListener("change", update);
  document.addEventListener("htmx:afterSettle", update);
  form.addEventListener("submit", () => {
    isLeavingOnPurpose = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (marker && !isLeavingOnPurpose && isUnsaved()) event.preventDefault();
  });
  // --- The buttons of the start page --------------------------------------------------------------------------------

  /** A run uses the saved settings: ask first when there are others in the form. */
  document.addEventListener("htmx:confirm", (event) => {
    const buttons = event.target.closest("#run-now");
    if (!buttons || event.target.tagName !== "FORM" || !isUnsaved()) return;
    event.preventDefault();
    if (window.confirm(buttons.dataset.confirm)) event.detail.issueRequest(true);
  });

  window.addEventListener("pageshow", () => {
    isLeavingOnPurpose = false;
    update();
  });
  update();
})();
