// Asks, waits, shows what the answer says, and asks again.

import { addLine, byId, element, pageData, post, showState } from "../site/page.js";
import { sleep, waitAfter } from "../site/retry.js";

// 503 is also how the server gives up when nobody rang for long. One that comes sooner is a failure.
const SOON_MS = 5_000;
const COUNT_EVERY_MS = 2_000;

const bell = byId("bell");
let lastId = 0;
let askedAt = Date.now();

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
  return response;
}

async function ask() {
  for (let failures = 0; ; ) {
    const response = await askOnce().catch(() => null);
    const nobodyRang = response?.status === 503 && Date.now() - askedAt > SOON_MS;
    failures = response?.ok || nobodyRang ? 0 : failures + 1;
    if (failures) await pause(waitAfter(failures, response));
  }
}

function pause(ms) {
  showState("waiting", { seconds: Math.ceil(ms / 1_000) });
  return sleep(ms);
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
  const field = event.target.elements.text;
  const rung = field.value;
  const answer = post(event.target);
  field.value = ""; // at once: what is typed from now on is the next ring
  const response = await answer.catch(() => null);
  if (!response?.ok) field.value = [rung, field.value].filter(Boolean).join(" ");
});

setInterval(() => {
  byId("clock").textContent = `${Math.round((Date.now() - askedAt) / 1_000)} s`;
}, 500);
pageData("page").rings.forEach(show);
ask();
count();
