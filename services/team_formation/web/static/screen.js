// Makes a stream's screen calm while many join at once: numbers count up, bars grow, and a line says how many have just
// come. What is true comes with the page (page.js); nothing here asks for anything.
"use strict";
(() => {
  const main = document.querySelector("main.screen");
  const burst = main.querySelector("[data-burst]");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const numbers = new Intl.NumberFormat(document.documentElement.lang, { useGrouping: "always", numberingSystem: "latn" });
  const WINDOW = 10000; // milliseconds that the line looks back
  const SHORTEST = 700, LONGEST = 4000; // milliseconds that a number takes to count up: as long as until the next one
  const seen = [];
  let shown = null; // the number on the screen, which may be on its way
  let frame = 0;
  let bars = {};

  const face = () => main.querySelector("[data-count]");
  const now = () => performance.now();

  function write(number) {
    shown = number;
    const text = numbers.format(Math.round(number));
    if (face().textContent !== text) face().textContent = text;
  }

  function roll(to, milliseconds) {
    cancelAnimationFrame(frame);
    const from = shown === null ? to : shown;
    if (still.matches || to <= from) return write(to);
    write(from);
    const began = now();
    const step = () => {
      const part = Math.min((now() - began) / milliseconds, 1);
      write(from + (to - from) * (1 - (1 - part) ** 2));
      if (part < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  }

  function grow() {
    const former = bars;
    bars = {};
    for (const bar of main.querySelectorAll("progress")) {
      const to = bar.value, from = former[bar.dataset.rung];
      bars[bar.dataset.rung] = to;
      if (still.matches || from === undefined || from >= to) continue;
      const began = now();
      const step = () => {
        const part = Math.min((now() - began) / SHORTEST, 1);
        bar.value = from + (to - from) * part;
        if (part < 1 && bar.isConnected) requestAnimationFrame(step);
      };
      bar.value = from;
      requestAnimationFrame(step);
    }
  }

  function tell() {
    while (seen.length > 1 && seen[1][0] <= now() - WINDOW) seen.shift();
    const came = seen[seen.length - 1][1] - seen[0][1];
    burst.classList.toggle("on", came > 0);
    if (came > 0) burst.textContent = burst.dataset.burst.replace("#", numbers.format(came));
  }

  function look() {
    const number = Number(face().dataset.count);
    const since = seen.length ? now() - seen[seen.length - 1][0] : 0;
    seen.push([now(), number]);
    roll(number, Math.min(Math.max(since, SHORTEST), LONGEST));
    grow();
    tell();
  }

  main.addEventListener("shown", look);
  setInterval(tell, 1000);
  look();
})();
