// Keeps one part of a page fresh: reads the page again and puts its part in place. Without this file the page reloads.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const every = Number(live.dataset.every) * 1000;
  const refresh = async () => {
    // Nobody's typing or pressing is taken away.
    if (document.hidden || live.contains(document.activeElement)) return;
    try {
      const answer = await fetch(live.dataset.from, { headers: { accept: "text/html" } });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (fresh) live.replaceChildren(...fresh.childNodes);
    } catch {
      // The age of the data on the page tells; the next round tries again.
    }
  };
  setInterval(refresh, every);
  document.addEventListener("visibilitychange", refresh);
})();
