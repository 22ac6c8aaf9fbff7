// The picture of the split, live: its boxes are the processes that there are, and each message of
// this page travels through it as a dot.

import { byId, element, post } from "./page.js";
import { sleep } from "./retry.js";
import { ReconnectingSocket } from "./socket.js";

const LOOK_EVERY_MS = 2_000, COUNT_EVERY_MS = 1_000, LATE_MS = 3_000, TRIP_MS = 900;
const SVG = "http://www.w3.org/2000/svg";
const picture = byId("live-split");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const spots = new Map(); // process id -> {x, y, box}
let answeredAt = Date.now();

function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// -- boxes ---------------------------------------------------------------------------------------

function box(key, x, y, title, note, kind) {
  const made = svg("g", { class: `box ${kind}` },
    svg("rect", { x: x - 62, y: y - 19, width: 124, height: 38, rx: 9 }),
    svg("text", { x, y: y - 2 }, title), svg("text", { x, y: y + 12, class: "note" }, note));
  spots.set(key, { x, y, box: made });
  return made;
}

const column = (count, index) => 100 + (index - (count - 1) / 2) * Math.min(48, 180 / Math.max(count, 1));

function drawSplit({ servers, workers }) {
  spots.clear();
  const boxes = [box("browser", 70, 100, "this page", "HTTP, WebSocket", "plain"), box("redis", 400, 100, "Redis", "channels, groups", "plain")];
  servers.forEach((s, i) => boxes.push(box(`s${s.pid}`, 235, column(servers.length, i), "interface server", `${s.pid} · ${s.sockets} ${s.sockets === 1 ? "socket" : "sockets"}`, "server")));
  workers.forEach((w, i) => boxes.push(box(`w${w.pid}`, 578, column(workers.length, i), w.takes_pages ? "worker" : "background", String(w.pid), w.takes_pages ? "worker" : "background")));
  const lines = [...spots].filter(([key]) => key[0] === "s").flatMap(([, s]) => [wire(70, 100, s.x, s.y), wire(s.x, s.y, 400, 100)])
    .concat([...spots].filter(([key]) => key[0] === "w").map(([, w]) => wire(400, 100, w.x, w.y)));
  byId("split-lines").replaceChildren(...lines);
  byId("split-boxes").replaceChildren(...boxes);
}

const wire = (x1, y1, x2, y2) => svg("line", { x1, y1, x2, y2 });

// -- dots ----------------------------------------------------------------------------------------

function travel(pid) {
  const worker = spots.get(`w${pid}`);
  const server = [...spots].find(([key]) => key[0] === "s")?.[1];
  if (!worker || !server) return;
  worker.box.classList.add("busy");
  setTimeout(() => worker.box.classList.remove("busy"), TRIP_MS);
  if (isCalm || document.hidden) return;
  const there = [spots.get("browser"), server, spots.get("redis"), worker];
  const points = [...there, ...there.slice(0, -1).reverse()];
  const dot = svg("circle", { r: 4.5, class: "dot" });
  byId("split-dots").append(dot);
  dot.animate(points.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` })), { duration: TRIP_MS, easing: "linear" })
    .onfinish = () => dot.remove();
}

// -- what happens ----------------------------------------------------------------------------------

function answered(pid) {
  answeredAt = Date.now();
  travel(pid);
}

async function look() {
  for (;;) {
    const response = document.hidden ? null : await fetch(picture.dataset.url, { signal: AbortSignal.timeout(20_000) }).catch(() => null);
    const split = response?.ok ? await response.json().catch(() => null) : null;
    if (split) {
      drawSplit(split);
      answered(split.answered_by);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

let last = null;
const socket = new ReconnectingSocket("/ws/counter/", {
  onOpen() { last = null; },
  onText(text) {
    const now = JSON.parse(text);
    byId("split-count").textContent = now.clicks;
    byId("split-host").textContent = now.worker;
    if (last && last.worker !== now.worker) note(`Worker ${last.worker} has handed this page's socket over to ${now.worker}: it stayed open, and counts on.`);
    last = now;
    answered(now.worker);
  },
  onState(state) {
    if (state === "waiting" && last) note("This page's socket was closed.");
  },
});

function note(text) {
  byId("split-note").replaceChildren(element("span", "", text));
}

setInterval(() => document.hidden || socket.send("{}"), COUNT_EVERY_MS);
setInterval(() => {
  const isLate = Date.now() - answeredAt > LATE_MS && !document.hidden;
  picture.classList.toggle("late", isLate);
  if (isLate) note("No worker answers. What this page sends waits in Redis; its socket stays open.");
}, 500);

byId("restart-workers").addEventListener("submit", async (event) => {
  event.preventDefault();
  note("The workers were told to stop. New ones start in a moment.");
  const response = await post(event.target).catch(() => null);
  if (!response?.ok) note("The workers could not be told.");
});
look();
