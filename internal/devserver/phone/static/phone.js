// The phone page brought to life: requests arrive and leave by themselves, and
// the time runs. Without this script the page reloads and its forms still work.
// On the page of the device grant, which belongs to nobody, only the time runs.
"use strict";
(() => {
  const main = document.querySelector("main");
  const user = main.dataset.user;
  const lang = document.documentElement.lang;
  const cards = document.getElementById("cards");
  const empty = document.getElementById("empty");
  const lost = document.getElementById("lost");
  const news = document.getElementById("news");
  const done = document.getElementById("done");
  const title = document.title;

  // When each card runs out, by the clock that no time server moves.
  const ends = new WeakMap();
  const all = () => [...cards.querySelectorAll("[data-request]")];

  function settle() {
    for (const card of all()) {
      if (!ends.has(card)) ends.set(card, performance.now() + Number(card.dataset.left) * 1000);
    }
    const n = all().length;
    if (empty) empty.hidden = n > 0 || done.childElementCount > 0;
    if (user) document.title = n > 0 ? news.dataset.pending.replace("{count}", n) : title;
  }

  // A screen reader says what changes in there; the same text twice is no change.
  function say(text) {
    news.textContent = "";
    if (text) setTimeout(() => { news.textContent = text; }, 100);
  }

  // It ran out, or was answered somewhere else. The focus goes where the news is,
  // if it was on what has gone.
  function ended(lostFocus) {
    say("");
    done.replaceChildren(document.getElementById("ended").content.cloneNode(true));
    if (lostFocus) done.querySelector("h2").focus();
  }

  function tick() {
    for (const card of all()) {
      const left = Math.max(0, Math.ceil((ends.get(card) - performance.now()) / 1000));
      const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      card.querySelector("[data-left-text]").textContent = text;
      card.querySelector("progress").value = left;
      if (left < 30 && card.dataset.life > 30 && !card.dataset.warned) {
        card.dataset.warned = "yes";
        say(news.dataset.halfMinute);
      }
      if (left === 0 && !user) { // elsewhere the server says so
        const had = card.contains(document.activeElement);
        card.remove();
        ended(had);
      }
    }
  }

  // Cards that stay are left alone, so that a thumb or a focus on them is not
  // disturbed; new ones come in below.
  let busy = false, again = false;
  async function refresh(numbers) {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(`/phone/${user}/cards`, { cache: "no-store", headers: { "Accept-Language": lang } });
      if (!answer.ok) throw new Error("answer " + answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const wanted = new Map([...fresh.querySelectorAll("[data-request]")].map((c) => [c.dataset.request, c]));
      const before = all().length;
      let lostFocus = false;
      for (const card of all()) {
        if (wanted.has(card.dataset.request)) { wanted.delete(card.dataset.request); continue; }
        lostFocus ||= card.contains(document.activeElement);
        card.remove();
      }
      for (const card of wanted.values()) {
        card.classList.add("new");
        cards.append(document.importNode(card, true));
      }
      if (wanted.size > 0) {
        if (before === 0) done.replaceChildren(); // else a card would move under a thumb
        say([...wanted.values()].map((c) => c.dataset.news).join(" "));
        if (navigator.vibrate && navigator.userActivation?.hasBeenActive) navigator.vibrate(150);
      } else if (before > 0 && all().length === 0) {
        ended(lostFocus);
      }
      settle();
      tick();
    } catch {
      setTimeout(refresh, 2000);
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  }

  let stream;
  function connect() {
    stream = new EventSource(`/phone/${user}/events`);
    stream.addEventListener("open", () => { lost.hidden = true; });
    stream.addEventListener("pending", (event) => {
      const there = all().map((c) => Number(c.dataset.request)).sort().join();
      if (JSON.parse(event.data).sort().join() !== there) refresh();
    });
    stream.addEventListener("error", () => {
      lost.hidden = false;
      // The browser tries again by itself unless the answer was not a stream.
      if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
    });
  }
  // One answer is enough, however often the button is pressed.
  cards.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "yes";
  });

  // Reloading must not show an old confirmation again.
  if (user && done.childElementCount > 0) history.replaceState(null, "", `/phone/${user}`);

  settle();
  tick();
  setInterval(tick, 500);
  if (!user) return;

  // A phone that slept may hold a dead connection for minutes.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    stream.close();
    connect();
    refresh();
  });
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) { connect(); refresh(); } });
  connect();
})();
