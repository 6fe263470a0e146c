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
    if (form.classList.contains("is-searched")) return; // the search shows what it finds
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

  // --- Shortcuts ----------------------------------------------------------------------------------------------------

  const MASTER_DATA = ["customers_enabled", "products_enabled", "hour_types_enabled", "warehouses_enabled"];
  const all = document.getElementById("import-all");
  const kinds = MASTER_DATA.map((name) => form.elements.namedItem(name)).filter(Boolean);

  /** Ticked when every kind is imported, and halfway when some are. */
  const showAllImports = () => {
    const count = kinds.filter((kind) => kind.checked).length;
    all.checked = count === kinds.length;
    all.indeterminate = count > 0 && !all.checked;
  };

  if (all) {
    document.getElementById("all-imports").hidden = false;
    all.addEventListener("change", () => {
      for (const kind of kinds) kind.checked = all.checked;
    });
    form.addEventListener("change", showAllImports);
    window.addEventListener("pageshow", showAllImports);
  }

  const addOwners = document.getElementById("add-owners");
  if (addOwners) {
    addOwners.hidden = false;
    addOwners.addEventListener("click", () => {
      const addresses = form.elements.namedItem("notification_emails");
      addresses.value = addOwners.dataset.addresses.split(" ").join("\n");
      addresses.dispatchEvent(new Event("input", { bubbles: true }));
      addresses.focus();
    });
  }

  // --- Connections --------------------------------------------------------------------------------------------------

  /** A field that a test found at fault says so to who cannot see it, and is not left folded away. */
  const showFaults = () => {
    for (const fault of form.querySelectorAll(".fault")) {
      const input = fault.closest(".field").querySelector("input, select, textarea");
      const described = (input.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && id !== fault.id);
      const isAtFault = fault.textContent.trim() !== "";
      input.setAttribute("aria-describedby", [...described, ...(isAtFault ? [fault.id] : [])].join(" "));
      if (isAtFault) input.setAttribute("aria-invalid", "true");
      else if (!input.closest(".bad")) input.removeAttribute("aria-invalid");
      const folded = fault.closest("details");
      if (isAtFault && folded) folded.open = true;
    }
  };

  /** What the server makes of an address without a scheme. */
  for (const address of form.querySelectorAll("[inputmode=url]")) {
    address.addEventListener("change", () => {
      const typed = address.value.trim();
      if (typed && !typed.includes("://")) address.value = `https://${typed.replace(/^\/+/, "")}`;
    });
  }

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

  form.addEventListener("search-over", update);
  form.addEventListener("input", update);
  form.addEventListener("change", update);
  document.addEventListener("htmx:afterSettle", () => {
    update();
    showFaults();
  });
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
