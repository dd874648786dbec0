// The phone page brought to life: requests arrive and leave by themselves, and
// the time runs. Without this script the page reloads and its forms still work.
"use strict";
(() => {
  const main = document.querySelector("main[data-user]");
  const user = main.dataset.user;
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
    empty.hidden = n > 0 || done.childElementCount > 0;
    document.title = n > 0 ? `(${n}) Approve?` : title;
  }

  function tick() {
    for (const card of all()) {
      const left = Math.max(0, Math.ceil((ends.get(card) - performance.now()) / 1000));
      const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      card.querySelector("[data-left-text]").textContent = text;
      card.querySelector("progress").value = left;
    }
  }

  // Cards that stay are left alone, so that a thumb or a focus on them is not
  // disturbed; new ones come in below.
  let busy = false, again = false;
  async function refresh(numbers) {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(`/phone/${user}/cards`, { cache: "no-store" });
      if (!answer.ok) throw new Error("answer " + answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const wanted = new Map([...fresh.querySelectorAll("[data-request]")].map((c) => [c.dataset.request, c]));
      const before = all().length;
      for (const card of all()) {
        if (wanted.has(card.dataset.request)) wanted.delete(card.dataset.request);
        else card.remove();
      }
      for (const card of wanted.values()) {
        card.classList.add("new");
        cards.append(document.importNode(card, true));
      }
      if (wanted.size > 0) {
        if (before === 0) done.replaceChildren(); // else a card would move under a thumb
        news.textContent = "A kiosk asks for your approval.";
        if (navigator.vibrate && navigator.userActivation?.hasBeenActive) navigator.vibrate(150);
      } else if (before > 0 && all().length === 0) {
        // It ran out, or was answered somewhere else.
        news.textContent = "";
        const box = Object.assign(document.createElement("div"), { className: "done done-no" });
        box.append(Object.assign(document.createElement("h2"), { textContent: "This request has ended." }));
        box.append(Object.assign(document.createElement("p"), { textContent: "Start again at the kiosk if you still want to." }));
        done.replaceChildren(box);
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
  // A phone that slept may hold a dead connection for minutes.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    stream.close();
    connect();
    refresh();
  });
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) { connect(); refresh(); } });

  // One answer is enough, however often the button is pressed.
  cards.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    event.target.dataset.sent = "yes";
  });

  // Reloading must not show an old confirmation again.
  if (done.childElementCount > 0) history.replaceState(null, "", `/phone/${user}`);

  settle();
  tick();
  setInterval(tick, 500);
  connect();
})();
