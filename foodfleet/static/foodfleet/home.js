/* Brings the figures of the home page up to date once a minute, while somebody can see them and has not switched it off. */
"use strict";
(() => {
  const EVERY = 60_000; /* milliseconds */
  const SWITCHED_OFF = "foodfleetHomeStays";
  const figures = document.getElementById("figures");
  const choice = document.getElementById("refresh");
  let read = Date.now();

  choice.checked = localStorage.getItem(SWITCHED_OFF) === null;
  choice.closest("[hidden]").hidden = false;
  choice.addEventListener("change", () => {
    if (choice.checked) localStorage.removeItem(SWITCHED_OFF);
    else localStorage.setItem(SWITCHED_OFF, "1");
  });

  /* What somebody uses now stays as it is: a card with the focus, an open table or chosen text. */
  const isUsed = (card) => card.contains(document.activeElement) || card.querySelector("details[open]") || getSelection().containsNode(card, true);

  const refresh = async () => {
    if (document.hidden || !choice.checked || Date.now() - read < EVERY) return;
    read = Date.now();
    const answer = await fetch(figures.dataset.address, { redirect: "manual" }).catch(() => null);
    if (answer?.type === "opaqueredirect" || answer?.status === 403) location.reload(); /* the session has ended */
    if (!answer?.ok) return;
    const made = document.createElement("div");
    made.innerHTML = await answer.text();
    const newer = [...made.children];
    [...figures.children].forEach((card, number) => newer[number] && !isUsed(card) && card.replaceWith(newer[number]));
  };
  setInterval(refresh, EVERY / 4);
  document.addEventListener("visibilitychange", refresh);
})();
