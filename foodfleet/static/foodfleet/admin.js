/* Code of unfold's pages that its templates contain inline, which our content security policy forbids.
   Loaded before the page is painted, so that dark mode does not flash. */
(() => {
  const stored = (localStorage.getItem("adminTheme") || '"auto"').replaceAll('"', "");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", stored === "dark" || (stored === "auto" && prefersDark));
  window.SimpleBar = { instances: new Map() }; /* unfold's script expects it; lists use the browser's scrolling */

  /* Variables that the expressions in the templates use besides their own data. */
  const workspace = () => ({
    activeTab: document.body.dataset.activeTab,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem("sidebarDesktopOpen") !== "0",
    window: { location: { pathname: location.pathname, search: location.search } },
    localStorage: { setItem() {} },
    init() {
      this.activeTab = getCurrentTab() || document.body.dataset.activeTab;
      this.$watch("sidebarDesktopOpen", (value) => localStorage.setItem("sidebarDesktopOpen", value ? "1" : "0"));
    },
  });
  const command = () => ({
    ...searchCommand(),
    openItem(event) {
      this.currentIndex = this.currentIndex || 1;
      if (this.totalItems) this.selectItem(false, event.ctrlKey || event.metaKey);
    },
  });
  document.addEventListener("alpine:init", () => {
    Object.entries({ workspace, theme, searchForm, command }).forEach(([name, made]) => Alpine.data(name, made));
  });

  /* Unfold writes the name of a chosen file into a text field beside the input, which our pages do not have. */
  document.addEventListener("change", (event) => event.target.matches(".panel input[type=file]") && event.stopPropagation(), true);

  /* Buttons that copy a secret that is shown once. Without a clipboard the secret is selected. */
  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-copy]")) {
      const shown = document.getElementById(button.dataset.copy);
      button.hidden = false;
      button.addEventListener("click", async () => {
        getSelection().selectAllChildren(shown);
        await navigator.clipboard.writeText(shown.textContent);
        button.textContent = button.dataset.done;
      });
    }
  });

  /* Name the search of Select2 after its field: while it is empty it has no accessible name. */
  const nameSearches = () => {
    for (const part of document.querySelectorAll(".select2-selection:not([aria-label])")) {
      const label = part.closest(".select2-container").previousElementSibling?.labels?.[0]?.textContent.trim();
      for (const one of label ? [part, ...part.querySelectorAll("[role=textbox]")] : []) {
        one.removeAttribute("aria-labelledby");
        one.setAttribute("aria-label", label);
      }
    }
  };
  document.addEventListener("DOMContentLoaded", () => new MutationObserver(nameSearches).observe(document.body, { childList: true, subtree: true }));

  /* Icons are ligatures of a font: hide them from screen readers. */
  const hideIcons = (root) => root.querySelectorAll(".material-symbols-outlined").forEach((icon) => icon.setAttribute("aria-hidden", "true"));
  document.addEventListener("DOMContentLoaded", () => hideIcons(document));
  document.addEventListener("htmx:afterSwap", (event) => hideIcons(event.target));
})();
