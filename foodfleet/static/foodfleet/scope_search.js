/* The search for a scope: Enter takes what was found. A typed scope that is not in the list comes last.

   Loaded before Django's autocomplete.js, which makes the fields; only fields with data-tags have typed values. */
"use strict";
(({ jQuery: $ }) => {
  const SCOPE = /^[a-z][a-z0-9_]*:[A-Za-z0-9_.-]+$/;
  const { defaults } = $.fn.select2;
  defaults.set("createTag", function createTag({ term }) {
    const text = term.trim();
    return SCOPE.test(text) ? { id: text, text: `${text} (${this.$element.data("not-listed")})` } : null;
  });
  defaults.set("insertTag", (found, typed) => found.some(({ id }) => id === typed.id) || found.push(typed));

  /* Until the answer is there, the list shows none, or that to the search before: Enter waits for the new one. */
  let search = null;
  const followed = new WeakSet();
  const waiting = new WeakSet();
  $(document).on("select2:open", "[data-tags]", ({ target }) => {
    search = $(target).data("select2");
    if (followed.has(search)) return;
    const own = search;
    followed.add(own);
    own.on("query", () => waiting.delete(own));
    own.on("results:all", () => waiting.delete(own) && own.trigger("results:select", {}));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !search?.isOpen() || !document.querySelector(".loading-results")) return;
    event.preventDefault();
    event.stopPropagation();
    waiting.add(search);
  }, true);
})(django);
