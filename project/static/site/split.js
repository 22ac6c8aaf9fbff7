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

// From left to right where there is room, and from top to bottom on a phone, where the letters of a
// picture that is as wide as a desktop's would be too small to read.
const wide = matchMedia("(min-width: 600px)");
const LAYOUTS = {
  wide: {
    viewBox: "0 0 650 200",
    width: () => 136,
    place: (stage, count, index) => ({ x: [70, 235, 400, 578][stage], y: 100 + (index - (count - 1) / 2) * Math.min(48, 180 / count) }),
  },
  tall: {
    viewBox: "0 0 340 330",
    width: (count) => Math.min(150, 340 / count - 8),
    place: (stage, count, index) => ({ x: ((index + 0.5) * 340) / count, y: 24 + stage * 94 }),
  },
};
let shown = null; // what was drawn last
picture.setAttribute("viewBox", LAYOUTS[wide.matches ? "wide" : "tall"].viewBox);

function box(key, kind, [title, note], { x, y }, width) {
  const made = svg("g", { class: `box ${kind}` },
    svg("rect", { x: x - width / 2, y: y - 19, width, height: 38, rx: 9 }),
    svg("text", { x, y: y - 2 }, title), svg("text", { x, y: y + 12, class: "note" }, note));
  spots.set(key, { x, y, box: made });
  return made;
}

function drawSplit(split) {
  shown = split;
  const layout = wide.matches ? LAYOUTS.wide : LAYOUTS.tall;
  const { servers, workers } = split;
  const stages = [
    [["browser", "plain", ["this page", "HTTP, WebSocket"]]],
    servers.map((s) => [`s${s.pid}`, "server", [wide.matches || servers.length < 3 ? "interface server" : "server", `${s.pid} · ${s.sockets} ${s.sockets === 1 ? "socket" : "sockets"}`]]),
    [["redis", "plain", ["Redis", "channels, groups"]]],
    workers.map((w) => [`w${w.pid}`, w.takes_pages ? "worker" : "background", [w.takes_pages ? "worker" : "background", String(w.pid)]]),
  ];
  picture.setAttribute("viewBox", layout.viewBox);
  spots.clear();
  const boxes = stages.flatMap((stage, number) => stage.map(([key, kind, texts], index) =>
    box(key, kind, texts, layout.place(number, stage.length, index), layout.width(stage.length))));
  byId("split-lines").replaceChildren(...stages.slice(1).flatMap((stage, number) =>
    stages[number].flatMap(([from]) => stage.map(([to]) => wire(spots.get(from), spots.get(to))))));
  byId("split-boxes").replaceChildren(...boxes);
}

const wire = (from, to) => svg("line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y });

wide.addEventListener("change", () => {
  byId("split-dots").replaceChildren();
  if (shown) drawSplit(shown);
});

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
