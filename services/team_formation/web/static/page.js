// Keeps a page true while it is open: parts that changed are put in the place of the old ones, the rest of the
// page stays as the reader left it. Without this script the page says the same, as it was when it was opened.
"use strict";
(() => {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    const text = button.textContent;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = button.dataset.done;
        setTimeout(() => { button.textContent = text; }, 2000);
      } catch (error) {
        const field = button.parentElement.querySelector("input");
        field.focus();
        field.select(); // the browser does not let us: the reader copies what is marked
      }
    });
  }

  const main = document.querySelector("main[data-events], main[data-poll]");
  if (!main) return;
  const CALM = 5000; // a screen reader is told at most so often, in milliseconds
  let offset = null; // the server's clock less this one's, in milliseconds; unknown until it has said
  let told = 0;
  let waiting = null;
  let failures = 0;
  let dayCount = { format: (days) => `${days} d` };
  try {
    dayCount = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit: "day", unitDisplay: "short" });
  } catch (error) { /* a browser that does not know units yet */ }

  function tell(text) {
    const line = main.querySelector("[data-live=update]");
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      told = Date.now();
      if (line.textContent !== text) line.textContent = text;
    }, Math.max(0, told + CALM - Date.now()));
  }

  function show(html, version) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const parts = [...fresh.querySelectorAll("[data-live]")];
    const names = new Set(parts.map((part) => part.dataset.live));
    for (const part of parts) {
      const old = main.querySelector(`[data-live="${part.dataset.live}"]`);
      if (!old) continue;
      for (const link of part.querySelectorAll("a[data-path]")) link.setAttribute("href", main.dataset.path + link.dataset.path);
      if (part.dataset.live === "update") {
        tell(part.textContent);
        continue;
      }
      const plain = old.cloneNode(true);
      plain.classList.remove("fresh");
      for (const open of plain.querySelectorAll("details[open]")) open.removeAttribute("open");
      for (const left of plain.querySelectorAll(".left")) { left.hidden = true; left.querySelector("b").textContent = ""; }
      if (!plain.className) plain.removeAttribute("class");
      if (plain.innerHTML === part.innerHTML) continue;
      const opened = [...old.querySelectorAll("details")].map((item) => item.open);
      const focused = old.contains(document.activeElement) ? document.activeElement.className : "";
      part.querySelectorAll("details").forEach((item, at) => { item.open = Boolean(opened[at]); });
      old.replaceWith(part);
      part.classList.add("fresh");
      const again = focused ? part.getElementsByClassName(focused)[0] : null;
      if (again) again.focus();
    }
    for (const old of main.querySelectorAll("[data-live]")) {
      if (!names.has(old.dataset.live)) old.hidden = true;
    }
    main.dataset.version = version;
    tick();
    main.dispatchEvent(new Event("shown"));
  }

  function tick() {
    const left = main.querySelector(".left");
    if (!left || offset === null) return;
    const seconds = Math.floor((Number(left.dataset.ends) - Date.now() - offset) / 1000);
    left.hidden = false;
    const face = left.querySelector("b");
    if (seconds <= 0) {
      face.textContent = left.dataset.late || "00:00:00";
      return;
    }
    const two = (number) => String(number).padStart(2, "0");
    const days = Math.floor(seconds / 86400);
    const clock = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    face.textContent = days ? `${dayCount.format(days)} ${clock}` : clock;
  }

  function listen() {
    const events = new EventSource(`${main.dataset.events}&after=${encodeURIComponent(main.dataset.version)}`);
    events.addEventListener("time", (event) => { offset = Number(event.data) - Date.now(); failures = 0; main.classList.remove("away"); tick(); });
    events.addEventListener("page", (event) => { show(JSON.parse(event.data), event.lastEventId); });
    events.addEventListener("end", () => events.close());
    events.addEventListener("error", () => {
      events.close();
      failures += 1;
      main.classList.add("away");
      setTimeout(listen, Math.min(60, 2 ** failures) * 1000 * (0.5 + Math.random()));
    });
  }

  let etag = "";
  async function poll() {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: etag ? { "If-None-Match": etag } : {} });
      main.classList.toggle("away", answer.status >= 500);
      if (answer.status === 404) location.reload(); // the link was taken back
      if (!answer.ok) return;
      etag = answer.headers.get("etag") || "";
      const html = await answer.text();
      const names = (page) => [...page.querySelectorAll("[data-live]")].map((part) => part.dataset.live).join();
      if (names(new DOMParser().parseFromString(html, "text/html")) === names(document)) show(html, "");
      else location.reload(); // there is more on it, or less
    } catch (error) {
      main.classList.add("away");
    }
  }

  // In WeChat the link is shared as a card by WeChat's own script, which is loaded nowhere else. Where there is none,
  // WeChat takes the title and the first large picture, which others need not load.
  async function share() {
    const answer = await fetch(`${main.dataset.card}&url=${encodeURIComponent(location.href.split("#")[0])}`);
    if (!answer.ok) throw new Error(answer.status);
    const { script, config, message, moment } = await answer.json();
    await new Promise((done, failed) => {
      const tag = document.createElement("script");
      Object.assign(tag, { src: script, onload: done, onerror: failed });
      document.head.append(tag);
    });
    wx.ready(() => { wx.updateAppMessageShareData(message); wx.updateTimelineShareData(moment); });
    wx.error(cover);
    wx.config(config);
  }
  function cover() {
    const picture = main.querySelector(".cover");
    if (picture) picture.loading = "eager";
  }
  const agent = navigator.userAgent;
  if (main.dataset.card && /MicroMessenger/i.test(agent) && !/wxwork/i.test(agent)) share().catch(cover);

  setInterval(tick, 1000);
  tick();
  if (main.dataset.poll) {
    setInterval(poll, Number(main.dataset.poll) * 1000);
    document.addEventListener("visibilitychange", poll);
  } else if (window.EventSource && main.querySelector(".left")) listen();
})();
