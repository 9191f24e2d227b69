// The wallboard's stream: fetches the changing part when something changed, counts minutes down, and greys everything
// within 3 s when the stream is cut. Without this file the page reloads every 15 s.
"use strict";
(() => {
  const live = document.getElementById("live");
  const cut = document.getElementById("cut");
  const news = document.getElementById("news");
  if (!live) return;
  const CUT_MS = 2500;
  const AT_MOST_EVERY_MS = 1000;
  const REFRESH_MS = 15000;
  let beatAt = performance.now();
  let sourcesLive = true;
  let fetchFailed = false;
  let clockOffset = 0;
  let dirty = 0;
  let fetchedAt = 0;
  let busy = false;

  const words = (text, count) => text.replace("%n", count);

  const span = (minutes) => {
    if (minutes < 180) return words(live.dataset.minutes, minutes);
    if (minutes < 4320) return words(live.dataset.hours, Math.floor(minutes / 60));
    return words(live.dataset.days, Math.floor(minutes / 1440));
  };

  // Never move the row under the pointer or the focus.
  const inHand = () => live.querySelector(".orders:hover") !== null || live.contains(document.activeElement);

  const place = (html) => {
    const before = new Map([...live.querySelectorAll("tr[data-version]")].map((row) => [row.id, row.dataset.version]));
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    live.replaceChildren(...fresh.childNodes);
    for (const row of live.querySelectorAll("tr[data-version]")) {
      if (before.size && before.get(row.id) !== row.dataset.version) row.classList.add("changed");
    }
    count();
  };

  const refresh = async () => {
    if (busy) return;
    busy = true;
    const seen = dirty;
    try {
      const answer = await fetch(live.dataset.from, { headers: { accept: "application/json" } });
      if (answer.status === 401 || answer.status === 403) return location.reload();
      fetchFailed = !answer.ok;
      if (answer.ok) {
        place(await answer.text());
        dirty -= seen;
        fetchedAt = performance.now();
        news.hidden = true;
      }
    } catch {
      fetchFailed = true;
    } finally {
      busy = false;
    }
  };

  const count = () => {
    const now = Date.now() + clockOffset;
    for (const due of live.querySelectorAll("[data-due]")) {
      const left = Math.floor((Date.parse(due.dataset.due) - now) / 60000);
      due.textContent = left < 0 ? words(live.dataset.over, span(-left)) : span(left);
    }
  };

  const look = () => {
    const now = performance.now();
    const isCut = now - beatAt > CUT_MS || !sourcesLive || fetchFailed;
    cut.hidden = !isCut;
    live.classList.toggle("grey", isCut);
    const old = now - fetchedAt > REFRESH_MS;
    if ((dirty > 0 || old) && now - fetchedAt > AT_MOST_EVERY_MS) {
      if (inHand() && dirty > 0) {
        news.textContent = words(news.dataset.words, dirty);
        news.hidden = false;
      } else if (!inHand()) {
        refresh();
      }
    }
    count();
  };

  news.addEventListener("click", () => {
    news.hidden = true;
    refresh();
  });

  const stream = new EventSource("/api/v1/stream");
  stream.addEventListener("beat", (event) => {
    const beat = JSON.parse(event.data);
    beatAt = performance.now();
    sourcesLive = beat.live;
    clockOffset = Date.parse(beat.at) - Date.now();
  });
  const changed = () => {
    dirty += 1;
  };
  const kinds = ["incident.changed", "workorder.step", "workorder.alarm", "etr.changed", "crew.changed", "outage.alarm",
    "arrears.alarm", "call.wanted", "ledger.exception", "reset"];
  for (const kind of kinds) stream.addEventListener(kind, changed);
  stream.addEventListener("open", () => {
    beatAt = performance.now();
    changed();
  });
  // A refused stream (session over, gateway full) is not opened again by the browser: a reload decides.
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  });
  fetchedAt = performance.now();
  setInterval(look, 500);
})();
