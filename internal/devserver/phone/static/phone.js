// Updates the phone page: requests appear and disappear, and the time left counts
// down. Without this script the page reloads and its forms still work. The device
// page belongs to no person; there only the time counts down.
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

  // When each card expires, by the monotonic clock.
  const ends = new WeakMap();
  const all = () => [...cards.querySelectorAll("[data-request]")];

  function updatePage() {
    for (const card of all()) {
      if (!ends.has(card)) ends.set(card, performance.now() + Number(card.dataset.left) * 1000);
    }
    const n = all().length;
    if (empty) empty.hidden = n > 0 || done.childElementCount > 0;
    if (user) document.title = n > 0 ? news.dataset.pending.replace("{count}", n) : title;
  }

  // Screen readers announce changes of this element. Clearing it first makes a
  // repeated text a change.
  function announce(text) {
    news.textContent = "";
    if (text) setTimeout(() => { news.textContent = text; }, 100);
  }

  // Shows that a request expired or was answered elsewhere. If the focus was on its
  // card, it moves to this message.
  function showEnded(lostFocus) {
    announce("");
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
        announce(news.dataset.halfMinute);
      }
      if (left === 0 && !user) { // on other pages the server reports it
        const hadFocus = card.contains(document.activeElement);
        card.remove();
        showEnded(hadFocus);
      }
    }
  }

  // Cards that stay do not change, so that a press or the focus on them is not
  // disturbed. New ones appear below.
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
        if (before === 0) done.replaceChildren(); // otherwise a card would move under a thumb
        announce([...wanted.values()].map((c) => c.dataset.news).join(" "));
        if (navigator.vibrate && navigator.userActivation?.hasBeenActive) navigator.vibrate(150);
      } else if (before > 0 && all().length === 0) {
        showEnded(lostFocus);
      }
      updatePage();
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
      const shown = all().map((c) => Number(c.dataset.request)).sort().join();
      if (JSON.parse(event.data).sort().join() !== shown) refresh();
    });
    stream.addEventListener("error", () => {
      lost.hidden = false;
      // The browser reconnects unless the answer was not an event stream.
      if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
    });
  }
  // Send each form only once.
  cards.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "yes";
  });

  // Do not show an old confirmation after a reload.
  if (user && done.childElementCount > 0) history.replaceState(null, "", `/phone/${user}`);

  updatePage();
  tick();
  setInterval(tick, 500);
  if (!user) return;

  // After sleep, a phone may keep a dead connection for minutes.
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
