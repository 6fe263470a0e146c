// Choosing files: what is too large, or too many, is said before anything is sent.
"use strict";

const input = document.querySelector("input[type=file][data-most-files]");

input?.addEventListener("change", () => {
  const limits = input.dataset;
  const files = [...input.files];
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const large = files.find((file) => file.size > Number(limits.mostBytesEach));
  let problem = "";
  if (files.length > Number(limits.mostFiles)) problem = limits.tooMany;
  else if (large) problem = limits.tooLarge.replace("{name}", large.name);
  else if (total > Number(limits.mostBytes)) problem = limits.tooMuch;
  else if (total > Number(limits.roomBytes)) problem = limits.noRoom;
  input.setCustomValidity(problem);
  if (problem) input.reportValidity();
});
