// The effect of a changed setting, shown below that setting; the button shows that of all of them at the end.
(() => {
  "use strict";
  const form = document.getElementById("settings");
  const effect = document.getElementById("impact");
  if (!form || !effect) return;
  const WITH_EFFECT = "#exports, #texts";
  const end = form.querySelector(".save-bar");
  let timer = 0;
  let isBesideField = false;

  const showBelow = (field) => {
    effect.replaceChildren();
    field.after(effect);
    isBesideField = true;
    window.htmx.trigger(effect, "effect");
  };

  form.addEventListener("change", (event) => {
    const field = event.target.closest(".field");
    if (!field || !event.target.name || !field.closest(WITH_EFFECT)) return;
    clearTimeout(timer);
    timer = setTimeout(() => showBelow(field), 400);
  });

  document.getElementById("show-effect").addEventListener(
    "click",
    () => {
      clearTimeout(timer);
      end.before(effect);
      isBesideField = false;
    },
    { capture: true },
  );

  // Beside a field only an effect on work orders is of use: with none waiting there is nothing to tell.
  effect.addEventListener("htmx:afterSwap", () => {
    if (isBesideField && !effect.querySelector(".impact-counts")) effect.replaceChildren();
  });
})();
