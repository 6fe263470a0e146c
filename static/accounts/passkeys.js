// Forms with data-passkey: ask the browser for a passkey, put its answer into the form, and send it.
// Comes before the form (no defer): one that is sent earlier goes without an answer, and proves nothing.
"use strict";
(() => {
  const BINARY = ["attestationObject", "authenticatorData", "clientDataJSON", "signature", "userHandle"];

  function toBytes(text) {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }

  function toText(buffer) {
    const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  function withBytes(options) {
    options.challenge = toBytes(options.challenge);
    if (options.user) options.user.id = toBytes(options.user.id);
    for (const list of [options.allowCredentials, options.excludeCredentials])
      for (const each of list || []) each.id = toBytes(each.id);
    return options;
  }

  function answerOf(credential) {
    const response = {};
    for (const name of BINARY) if (credential.response[name]) response[name] = toText(credential.response[name]);
    return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
  }

  function show(form, problem) {
    const notes = [...form.querySelectorAll("[data-problem]")];
    const found = notes.find((note) => note.dataset.problem === problem) || notes.find((note) => !note.dataset.problem);
    for (const note of notes) note.hidden = note !== found || problem === null;
  }

  async function send(form) {
    show(form, null);
    const publicKey = withBytes(JSON.parse(form.dataset.options));
    try {
      const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
      form.elements.answer.value = answerOf(credential);
      form.submit();
    } catch (error) {
      show(form, error.name);
    }
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-passkey]")) return;
    event.preventDefault();
    send(event.target);
  });
})();
