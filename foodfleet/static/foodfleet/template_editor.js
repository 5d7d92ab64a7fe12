/* The form of a template: previews during typing, variables at the cursor, and a tab for each language.

   Without this script there is a button for the preview, and the languages stand below each other. */
document.addEventListener("DOMContentLoaded", () => {
  const WAIT = 400; /* milliseconds after the last key */
  const form = document.querySelector("form:has(#template-preview, [data-languages])");
  if (!form) return;

  /* -- Preview: of the whole form, or of the fields with a prefix */
  const draft = () => {
    const data = new FormData(form);
    data.delete("_save");
    return data;
  };
  const watch = (preview) => {
    const panel = preview.parentElement;
    let timer, running;
    const show = async () => {
      running?.abort();
      running = new AbortController();
      try {
        const response = await fetch(preview.dataset.preview, {
          method: "POST", body: draft(), headers: { "X-Requested-With": "fetch" }, signal: running.signal,
        });
        if (!response.ok) return;
        const isOpen = preview.querySelector("details")?.open;
        preview.innerHTML = await response.text();
        const details = preview.querySelector("details");
        if (details && isOpen) details.open = true;
        showFrame(panel.querySelector("iframe[data-draft]"));
      } catch (error) {
        if (error.name !== "AbortError") throw error;
      }
    };
    const button = panel.querySelector("button[formaction]");
    button.type = "button"; /* so that Enter saves */
    button.hidden = "prefix" in preview.dataset; /* one of many: typing suffices */
    button.addEventListener("click", show);
    form.addEventListener("input", ({ target }) => {
      if (!target.name?.startsWith(preview.dataset.prefix || "")) return;
      clearTimeout(timer);
      timer = setTimeout(show, WAIT);
    });
    if ("stale" in preview.dataset) show();
  };
  /* Each preview gets a new frame: navigating one frame would add entries to the page's history. */
  const showFrame = (old) => {
    if (!old) return;
    const frame = old.cloneNode();
    frame.removeAttribute("src");
    frame.hidden = false;
    old.replaceWith(frame);
    const post = document.createElement("form");
    Object.assign(post, { method: "post", action: frame.dataset.draft, target: frame.name, hidden: true });
    for (const [name, value] of draft()) {
      const field = document.createElement("textarea");
      Object.assign(field, { name, value });
      post.append(field);
    }
    document.body.append(post);
    post.submit();
    post.remove();
  };
  form.querySelectorAll("[data-preview]").forEach(watch);

  /* -- Variables: into the field that had the focus last, unless its language is no longer shown */
  let last = document.getElementById("id_content") || form.querySelector("textarea[name$=html]");
  form.addEventListener("focusin", ({ target }) => {
    if (target.matches("textarea, input[name$=subject]")) last = target;
  });
  const chosen = () => (last.closest("[hidden]") ? form.querySelector("[data-language]:not([hidden]) textarea") : last);
  for (const button of form.querySelectorAll("[data-insert]")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const field = chosen();
      field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
      field.focus();
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  /* -- Examples: an input for each variable in the content. */
  const examples = form.querySelector("[data-examples]");
  const addExamples = () => {
    const texts = [...form.querySelectorAll("textarea")].map((area) => area.value).join(" ");
    for (const [, name] of texts.matchAll(/\{\{\s*(\w+)\s*\}\}/g)) {
      const field = examples.dataset.examples + name;
      if (form.elements[field]) continue;
      const row = form.querySelector("[data-example]").content.firstElementChild.cloneNode(true);
      row.querySelector("code").textContent = name;
      row.querySelector("input").name = field;
      examples.append(row);
    }
  };
  if (examples && form.querySelector("#id_content")) form.addEventListener("input", addExamples);

  /* -- Languages */
  for (const languages of form.querySelectorAll("[data-languages]")) {
    const sources = [...languages.querySelectorAll("[data-source]")];
    const panes = [...languages.querySelectorAll("[data-language]")];
    const hasStates = languages.querySelector("[data-state=translated]") !== null; /* that change while somebody writes */
    const bar = languages.querySelector(".language-tabs");
    const isSet = (pane) => "isSet" in pane.dataset || (hasStates && pane.querySelector("textarea").value.trim() !== "");
    const tabs = panes.map((pane, number) => {
      const tab = document.createElement("button");
      Object.assign(tab, { type: "button", id: `language-tab-${number}`, className: "language-tab" });
      pane.id ||= `language-pane-${number}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", pane.id);
      pane.setAttribute("role", "tabpanel");
      pane.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => choose(number));
      return tab;
    });
    const choose = (chosen, isFocused = false) => panes.forEach((pane, number) => {
      pane.hidden = number !== chosen;
      tabs[number].setAttribute("aria-selected", String(number === chosen));
      tabs[number].tabIndex = number === chosen ? 0 : -1;
      if (isFocused && number === chosen) tabs[number].focus();
    });
    const update = () => {
      for (const source of sources) {
        const field = document.getElementById(source.dataset.source);
        if (field) source.textContent = field.value;
      }
      panes.forEach((pane, number) => {
        for (const state of hasStates ? pane.querySelectorAll("[data-state]") : []) {
          state.hidden = (state.dataset.state === "translated") !== isSet(pane);
        }
        const state = pane.querySelector("[data-state]:not([hidden])").textContent;
        tabs[number].replaceChildren(pane.dataset.language, Object.assign(document.createElement("span"), { className: "visually-hidden", textContent: `: ${state}` }));
        tabs[number].classList.toggle("is-set", isSet(pane));
      });
    };
    const step = (by) => {
      const at = tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
      choose((at + by + tabs.length) % tabs.length, true);
    };
    bar.addEventListener("keydown", (event) => {
      const forward = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") step(event.key === forward ? 1 : -1);
    });
    bar.setAttribute("role", "tablist");
    bar.append(...tabs);
    bar.hidden = false;
    languages.classList.add("has-tabs");
    form.addEventListener("input", update);
    update();
    const wrong = panes.findIndex((pane) => pane.querySelector("[aria-invalid=true], .errorlist"));
    choose(wrong >= 0 ? wrong : panes.findIndex((pane) => !("isSource" in pane.dataset)));
  }
});
