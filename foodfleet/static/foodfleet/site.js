/* Enhancements. Every page but those with passkeys works without this file. */
"use strict";

const each = (selector, act) => document.querySelectorAll(selector).forEach(act);

function focusTheErrorSummary() {
  const summary = document.querySelector("[data-error-summary]");
  if (summary) summary.focus();
}

/* <span class="reveal" data-show="Show" data-hide="Hide"> around a password field */
function addShowButton(container) {
  const input = container.querySelector("input");
  const button = document.createElement("button");
  const label = container.closest(".field").querySelector("label");
  const setVisible = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? container.dataset.hide : container.dataset.show;
    button.setAttribute("aria-label", `${button.textContent}: ${label.textContent.trim()}`);
  };
  button.type = "button";
  button.addEventListener("click", () => { setVisible(input.type === "password"); input.focus(); });
  input.form.addEventListener("submit", () => setVisible(false));
  setVisible(false);
  container.append(button);
  container.classList.add("is-ready");
}

/* A hint; the server validates. */
function scoreOf(password) {
  if (password.length < 8) return 1;
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\d]/u].filter((kind) => kind.test(password)).length;
  const variety = new Set(password).size;
  if (variety < 5) return 1;
  return 1 + (kinds >= 3 || password.length >= 15) + (password.length >= 12) + (password.length >= 16 && variety >= 9);
}

function hintStrength(hint) {
  const input = document.getElementById(hint.dataset.strengthFor);
  const words = hint.dataset.words.split("|");
  const says = hint.querySelector("[data-says]");
  input.addEventListener("input", () => {
    const score = scoreOf(input.value);
    hint.hidden = input.value === "";
    hint.dataset.score = score;
    if (says.textContent !== words[score - 1]) says.textContent = words[score - 1];
  });
}

/* Backup codes: copy, download, print */
function addCodeButtons(bar) {
  const text = () => [...document.querySelectorAll("[data-codes] li")].map((li) => li.textContent.trim()).join("\n") + "\n";
  const done = bar.querySelector("[data-done]");
  const acts = {
    copy: async () => {
      await navigator.clipboard.writeText(text());
      done.textContent = done.dataset.done;
    },
    download: () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text()], { type: "text/plain" }));
      link.download = "foodfleet-backup-codes.txt";
      link.click();
      URL.revokeObjectURL(link.href);
    },
    print: () => window.print(),
  };
  bar.hidden = false;
  bar.querySelectorAll("[data-act]").forEach((button) => {
    if (button.dataset.act === "copy" && !navigator.clipboard) button.hidden = true;
    button.addEventListener("click", acts[button.dataset.act]);
  });
}

/* The options of the passkey call are in the page, or are fetched with their challenge when they are needed. */
async function passkeyOptions(form, signal) {
  if (!form.dataset.optionsUrl) return JSON.parse(document.getElementById(form.dataset.options).textContent);
  const answer = await fetch(form.dataset.optionsUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{}",
    signal,
  });
  if (!answer.ok) throw new Error(answer.statusText);
  const issued = await answer.json();
  form.elements.challenge.value = issued.challenge;
  return issued.options;
}

/* A browser allows one passkey call at a time: the button aborts the call that waits for the autofill list. */
let waitsForAutofill = null;

/* Passkeys in the list that opens at the e-mail field ("conditional mediation"). If the server refuses the chosen
   one, its message is shown and the typed text stays. */
async function offerPasskeysInAutofill(form) {
  if (!(await window.PublicKeyCredential?.isConditionalMediationAvailable?.())) return;
  const { signal } = (waitsForAutofill = new AbortController());
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await passkeyOptions(form, signal));
    const credential = await navigator.credentials.get({ publicKey, mediation: "conditional", signal });
    const body = new FormData(form);
    body.set("credential", JSON.stringify(credential.toJSON()));
    const answer = await fetch(form.action, { method: "POST", body });
    if (new URL(answer.url).pathname !== location.pathname) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector(".messages")?.remove();
    document.getElementById("main").prepend(page.querySelector(".messages") ?? "");
  } catch {
    /* no passkey was chosen, or the button was pressed */
  }
}

/* <form data-passkey="create|get" data-options="id of the JSON"> (or data-options-url) with a hidden "credential" field */
function addPasskeyCall(form) {
  const unsupported = form.querySelector("[data-unsupported]");
  const failed = form.querySelector("[data-failed]");
  const elsewhere = form.querySelector("[data-elsewhere]");
  const making = form.dataset.passkey === "create";
  const reads = window.PublicKeyCredential && (making
    ? PublicKeyCredential.parseCreationOptionsFromJSON
    : PublicKeyCredential.parseRequestOptionsFromJSON);
  if (!reads || elsewhere) {
    unsupported.hidden = Boolean(elsewhere);
    form.querySelector("button").disabled = true;
    return;
  }
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    failed.hidden = true;
    waitsForAutofill?.abort();
    try {
      const publicKey = reads.call(PublicKeyCredential, await passkeyOptions(form));
      const credential = await navigator.credentials[making ? "create" : "get"]({ publicKey });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.requestSubmit();
    } catch (error) {
      failed.hidden = false;
      failed.focus();
    }
  });
  if ("autofill" in form.dataset) offerPasskeysInAutofill(form);
}

/* Rules of a new password that depend on it alone are ticked during typing. The server decides. */
function tickRules(list) {
  const input = document.getElementById(list.dataset.rulesFor);
  const holds = {
    length: (text, rule) => [...text].length >= Number(rule.dataset.minimum),
    kinds: (text) => [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\p{N}]/u].every((kind) => kind.test(text)),
  };
  input.addEventListener("input", () => list.querySelectorAll("[data-rule]").forEach((rule) => {
    rule.classList.toggle("is-met", holds[rule.dataset.rule](input.value, rule));
  }));
}

/* <time data-local="time|date">: show the browser's time zone; UTC stays in the tooltip */
function showLocally(time) {
  const form = time.dataset.local === "date" ? { dateStyle: "long" } : { dateStyle: "medium", timeStyle: "short" };
  const language = `${document.documentElement.lang}-u-nu-latn`;
  time.title = time.textContent;
  time.textContent = new Intl.DateTimeFormat(language, form).format(new Date(time.dateTime));
}

focusTheErrorSummary();
each("time[data-local]", showLocally);
each(".reveal", addShowButton);
each("[data-strength-for]", hintStrength);
each("[data-keep]", addCodeButtons);
each("[data-rules-for]", tickRules);
each("form[data-passkey]", addPasskeyCall);
