// Asks, waits, shows what the answer says, and asks again.

import { addLine, byId, element, pageData, post, showState } from "../site/page.js";

const PAUSE_AFTER_FAILURE_S = 2;
const COUNT_EVERY_MS = 2_000;

const bell = byId("bell");
let lastId = 0;
let askedAt = Date.now();

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function show({ id, text, at }) {
  if (id <= lastId) return;
  lastId = id;
  const time = element("time", "aside", `${new Date(at).toLocaleTimeString()} `);
  addLine(byId("rings"), "", time, text);
}

async function askOnce() {
  const url = `${bell.dataset.poll}?after=${lastId}`;
  byId("asked").textContent = url;
  askedAt = Date.now();
  showState("live", {});
  const response = await fetch(url, { cache: "no-store" });
  if (response.ok) (await response.json()).rings.forEach(show);
  // 503: nobody rang for so long that the server gave up. That is no failure.
  else if (response.status !== 503) throw new Error(`${url}: ${response.status}`);
}

async function ask() {
  for (;;) {
    try {
      await askOnce();
    } catch {
      showState("waiting", { seconds: PAUSE_AFTER_FAILURE_S });
      await sleep(PAUSE_AFTER_FAILURE_S * 1_000);
    }
  }
}

function showWaiting(number) {
  byId("waiting").textContent = number;
  byId("wait").textContent = number === 1 ? "request waits" : "requests wait";
}

async function count() {
  for (;;) {
    const response = document.hidden ? null : await fetch(bell.dataset.waiting).catch(() => null);
    if (response?.ok) showWaiting((await response.json()).waiting);
    await sleep(COUNT_EVERY_MS);
  }
}

byId("ring").addEventListener("submit", async (event) => {
  event.preventDefault();
  await post(event.target);
  event.target.elements.text.value = "";
});

setInterval(() => {
  byId("clock").textContent = `${Math.round((Date.now() - askedAt) / 1_000)} s`;
}, 500);
pageData("page").rings.forEach(show);
ask();
count();
